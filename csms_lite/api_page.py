"""The description of the API as a page for people: plain HTML, no script, nothing from elsewhere.

A bundled viewer (Swagger UI, 1.5 MB) needs inline styles and `data:` images; the policy of our
pages allows neither, and one page of documentation is no reason to weaken it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, Final

from csms_lite.jsontext import dumps

Schema = Mapping[str, Any]

STYLE: Final = """\
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
pre { overflow-x: auto; padding: .5rem; border: 1px solid; border-radius: .3rem; }
details { border-top: 1px solid #8884; padding: .4rem 0; }
summary { cursor: pointer; }
summary b { display: inline-block; min-width: 4.5rem; }
summary small { float: right; }
th, td { text-align: left; vertical-align: top; padding: .1rem 1rem .1rem 0; }
"""


def page(schema: Schema) -> str:
    """Write the page of a completed description."""
    info = schema["info"]
    tags = "".join(_tag(schema, tag) for tag in schema["tags"])
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])}</title>"
        '<link rel="stylesheet" href="docs.css"></head><body>'
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>"
        f"<p>{_prose(info['description'])}</p>"
        f'<p>For machines: <a href="openapi.json">openapi.json</a>.</p>{_schemes(schema)}{tags}'
        "</body></html>"
    )


def _schemes(schema: Schema) -> str:
    told = schema["components"]["securitySchemes"].items()
    rows = "".join(f"<li><b>{escape(name)}</b>: {_prose(one['description'])}" for name, one in told)
    return f"<h2>Who asks</h2><ul>{rows}</ul>"


def _tag(schema: Schema, tag: Schema) -> str:
    shown = "".join(
        _operation(method, path, operation, schema)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
        if tag["name"] in operation["tags"]
    )
    return f"<h2>{escape(tag['name'])}</h2><p>{_prose(tag['description'])}</p>{shown}"


def _operation(method: str, path: str, operation: Schema, schema: Schema) -> str:
    return (
        f"<details><summary><b>{method.upper()}</b> <code>{escape(path)}</code> "
        f"<small>{escape(operation.get('x-role', 'anybody'))}</small><br>"
        f"{_prose(operation['summary'])}</summary><p>{_prose(operation['description'])}</p>"
        f"{_parameters(operation)}{_body(operation, schema)}{_answers(operation, schema)}</details>"
    )


def _parameters(operation: Schema) -> str:
    rows = [
        (f"<code>{escape(one['name'])}</code>", one["in"], _kind(one["schema"]))
        for one in operation.get("parameters", ())
    ]
    return _table("Parameters", rows)


def _body(operation: Schema, schema: Schema) -> str:
    contents = operation.get("requestBody", {}).get("content", {})
    return "".join(
        _table(f"Body, {kind}", _fields(content.get("schema", {}), schema))
        + (f"<pre>{escape(dumps(content['example']))}</pre>" if "example" in content else "")
        for kind, content in contents.items()
    )


def _answers(operation: Schema, schema: Schema) -> str:
    rows = []
    for status, answer in operation["responses"].items():
        told = _resolved(answer, schema)
        kinds = ", ".join(
            f"{escape(kind)} {_kind(content.get('schema', {}))}"
            for kind, content in told.get("content", {}).items()
        )
        rows.append((escape(status), _prose(told["description"]), kinds))
    return _table("Answers", rows)


def _fields(told: Schema, schema: Schema) -> list[tuple[str, ...]]:
    body = next((one for one in told.get("anyOf", ()) if "$ref" in one), told)
    whole = _resolved(body, schema)
    needed = whole.get("required", ())
    return [
        (f"<code>{escape(name)}</code>", _kind(one), "" if name in needed else "may be left out")
        for name, one in whole.get("properties", {}).items()
    ]


def _resolved(told: Schema, schema: Schema) -> Schema:
    if "$ref" not in told:
        return told
    found: Any = schema
    for name in told["$ref"].split("/")[1:]:
        found = found[name]
    return dict(found)


def _kind(told: Schema) -> str:
    """Name a type in a word or two."""
    if "$ref" in told:
        return escape(told["$ref"].rpartition("/")[2])
    if "anyOf" in told:
        return " or ".join(_kind(one) for one in told["anyOf"])
    if "enum" in told:
        return " or ".join(f"<code>{escape(dumps(one))}</code>" for one in told["enum"])
    types = told.get("type", "")
    kind = escape(" or ".join(types) if isinstance(types, list) else str(types))
    if kind == "array":
        return f"list of {_kind(told.get('items', {}))}"
    bounds = " ".join(_bounds(told))
    return f"{kind} {bounds}".strip()


def _bounds(told: Schema) -> Iterator[str]:
    for name, word in (("minimum", "≥"), ("maximum", "≤"), ("maxLength", "at most")):
        if name in told:
            yield f"{word} {told[name]}"
    if "pattern" in told:
        yield f"<code>{escape(told['pattern'])}</code>"
    if told.get("default") is not None:
        yield f"({escape(dumps(told['default']))})"


def _table(title: str, rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    cells = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<h4>{escape(title)}</h4><table>{cells}</table>"


def _prose(text: str) -> str:
    """Write a docstring: paragraphs, and words in backquotes as code."""
    parts = escape(text).split("`")
    marked = "".join(f"<code>{part}</code>" if at % 2 else part for at, part in enumerate(parts))
    return marked.replace("\n\n", "<br>")
