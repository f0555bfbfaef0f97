"""What hypothesis makes of the control socket's requests: any object, often nearly a right one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from typing import Any

from hypothesis import strategies as st

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63) + 1, (1 << 63) - 1)
    | st.integers(0, 3)
    | st.floats(allow_nan=False, allow_infinity=False)
    | words
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3)
)


def nonsense(verbs: Mapping[str, Callable[..., Any]]) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Requests to *verbs*, most with arguments that they take, and to what is no verb."""
    near = [_request(st.just(op), list(signature(verb).parameters)) for op, verb in verbs.items()]
    far = _request(st.sampled_from(sorted(verbs)) | values, [])
    return st.lists(st.one_of(*near, far), min_size=1, max_size=8)


def _request(op: st.SearchStrategy[Any], names: Sequence[str]) -> st.SearchStrategy[dict[str, Any]]:
    known = st.fixed_dictionaries({}, optional=dict.fromkeys(names, scalars | values))
    other = st.dictionaries(words, values, max_size=1) if not names else st.just({})
    return st.builds(lambda op, known, other: {**other, **known, "op": op}, op, known, other)
