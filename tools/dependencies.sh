# What the tools need of the machine. Sourced by tools/run and tools/test; Debian 12 and Swift 6.3.

say() { printf '==> %s\n' "$*" >&2; }
fail() { printf '%s\n' "$*" >&2; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else fail "installing packages needs root: run this as root, or install sudo"
    fi
}

# Installs those of the named packages that are missing.
need_packages() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed \
            || missing+=("$package")
    done
    [ ${#missing[@]} = 0 ] && return
    say "installing ${missing[*]}"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
}

need_swift() {
    command -v swift >/dev/null || fail "Swift is not installed: get Swift 6.3 from swift.org"
    swift --version 2>/dev/null | grep -qE 'Swift version (6\.[3-9]|[7-9])' \
        || fail "Swift 6.3 or newer is needed; this is: $(swift --version 2>/dev/null | head -1)"
}

need_build_packages() {
    need_packages libprotobuf-c-dev libyaml-dev libssl-dev zlib1g-dev libnghttp2-dev pkg-config
}

# Puts the program of a package of a Debian suite into a folder, without installing it, from the
# mirror that this machine uses. Prints nothing; fails if it cannot be had.
fetch_program() { # suite package folder program
    local suite=$1 package=$2 folder=$3 program=$4 mirror apt
    [ -x "$folder/$program" ] && return
    rm -rf "$folder/apt"
    mkdir -p "$folder/apt/lists/partial" "$folder/apt/cache"
    mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -v security | sort -u | head -1)
    [ -n "$mirror" ] || return 1
    printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' \
        "$mirror" "$suite" >"$folder/apt/sources.list"
    # What is installed must not count: a program from elsewhere would hide the suite's.
    apt=(apt-get -qq -o Dir::Etc::sourcelist="$folder/apt/sources.list"
        -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferences=/dev/null
        -o Dir::Etc::preferencesparts=/dev/null -o Dir::State::status=/dev/null
        -o Dir::State::lists="$folder/apt/lists" -o Dir::Cache="$folder/apt/cache"
        -o APT::Sandbox::User=)
    "${apt[@]}" update && (cd "$folder/apt" && "${apt[@]}" download "$package") || return 1
    dpkg-deb -x "$folder"/apt/"$package"_*.deb "$folder/apt/root" || return 1
    cp "$folder/apt/root/usr/bin/$program" "$folder/$program" || return 1
    rm -rf "$folder/apt"
}

fetch_kubectl() { # suite package folder
    fetch_program "$1" "$2" "$3" kubectl
}
