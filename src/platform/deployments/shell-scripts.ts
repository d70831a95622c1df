/**
 * Devpilot's own steps on a server, as scripts for `/bin/sh`. The scripts are constant. User input is passed in
 * environment variables, whose values the shell does not interpret. In every script, `DP_DIR` is the app's directory
 * and `DP_ID` the ID of the deployment, which is also the name of its release.
 */

/**
 * Creates an app's directory, removes releases of failed deployments that can no longer be retried, and prints the live
 * release. If `DP_RESUME` is set, an earlier attempt has checked out this release.
 */
export const PREPARE_SCRIPT = `set -eu
mkdir -p "$DP_DIR/releases" "$DP_DIR/shared" "$DP_DIR/.devpilot"
if [ -e "$DP_DIR/current" ] && [ ! -L "$DP_DIR/current" ]; then
  echo "$DP_DIR/current is not a symbolic link, so Devpilot cannot replace it with a link to a release." >&2; exit 1
fi
live=$(readlink "$DP_DIR/current" || :)
if [ -n "$DP_RESUME" ] && [ ! -d "$DP_DIR/releases/$DP_ID" ]; then
  echo 'The release of the failed attempt was removed from this server. Deploy again.' >&2; exit 1
fi
for mark in "$DP_DIR"/.devpilot/failed/dpl_*; do
  name=\${mark##*/}
  [ -e "$mark" ] || continue
  [ "$name" = "$DP_ID" ] || [ "$live" = "releases/$name" ] || rm -rf "$DP_DIR/releases/$name" || :
  rm -f "$mark"
done
printf 'previous %s\\n' "$live"
`;

/**
 * Locks an app's copy of its repository, because two servers of a deployment may be the same machine. Sets `locked` if
 * the lock was acquired, which requires `flock`.
 */
const LOCK_SNIPPET = `locked=
if command -v flock >/dev/null; then exec 9>"$DP_DIR/.devpilot/lock"; flock 9; locked=yes; fi
`;

/**
 * Updates the app's copy of the repository and checks the commit out into the release. Only a commit that a branch or
 * tag contains is accepted, because Git hosts also serve the commits of forks. If `DP_KNOWN` is set, this deployment
 * has already verified the commit. If `DP_ROLLBACK` is set, the commit of an existing release is also accepted, even if
 * its branch no longer exists.
 */
export const CHECKOUT_SCRIPT = `set -eu
# Runs this script again under an ssh-agent that has the deploy key in memory and ends with this step.
if [ -n "\${DP_DEPLOY_KEY-}" ]; then
  command -v ssh-agent >/dev/null || { echo 'ssh-agent is not installed on this server; a deploy key requires it.' >&2; exit 127; }
  key=$DP_DEPLOY_KEY
  unset DP_DEPLOY_KEY
  printf '%s\\n' "$key" | DP_AGENT=1 ssh-agent -t 2400 /bin/sh "$0"
  exit
fi
if [ -n "\${DP_AGENT-}" ]; then
  trap 'kill "$SSH_AGENT_PID" 2>/dev/null || :' EXIT
  output=$(ssh-add - 2>&1) || { printf 'ssh-add could not load the deploy key: %s\\n' "$output" >&2; exit 1; }
  exec </dev/null
  export DP_KNOWN_HOSTS="\${0%/*}/known_hosts"
  printf 'devpilot-pinned %s\\n' "$DP_HOST_KEY" >"$DP_KNOWN_HOSTS"
fi
command -v git >/dev/null || { echo 'git is not installed on this server.' >&2; exit 127; }
repository="$DP_DIR/.devpilot/repository.git"
release="$DP_DIR/releases/$DP_ID"
fail() { printf '%s\\n' "$1" >&2; exit 1; }
export LC_ALL=C GIT_TERMINAL_PROMPT=0 GIT_SSH_COMMAND="\${GIT_SSH_COMMAND:-ssh -oBatchMode=yes}"
# Git refuses a repository of another user, because its configuration can contain commands.
if [ -e "$repository" ] && [ ! -O "$repository" ]; then
  rm -rf "$repository" 2>/dev/null || fail "$repository belongs to another user, so git does not read it. Probably a hook ran chown -R on it; restore the owner with: chown -R $(id -un) $DP_DIR/.devpilot"
  echo "The copy of the repository belonged to another user. Fetching it again."
fi
${LOCK_SNIPPET}# Disables the hooks of the copy, where git-lfs installs some.
repo_git() { git -C "$repository" -c gc.auto=0 -c core.hooksPath=/dev/null "$@"; }
# Removes lock files of a git process that was killed.
if [ -d "$repository" ]; then
  if [ -n "$locked" ]; then set --; else set -- -mmin +60; fi
  find "$repository" -path "$repository/worktrees" -prune -o -type f -name '*.lock' "$@" -exec rm -f {} +
fi
# Checks files out without Git LFS, regardless of this server's configuration. LFS files are fetched later.
git_without_lfs() { git -c core.hooksPath=/dev/null -c filter.lfs.process= -c filter.lfs.smudge= -c filter.lfs.required=false "$@"; }
fetch() { repo_git fetch --quiet --prune --force origin '+refs/heads/*:refs/remotes/devpilot/*' '+refs/tags/*:refs/tags/*' 2>&1; }
init_repository() { git init --quiet --bare "$@" "$repository"; repo_git config remote.origin.url "$DP_REPOSITORY"; }
init_repository
output=$(fetch) && code=0 || code=$?
case $output in *'mismatched algorithms'*)
  rm -rf "$repository"
  case $output in *'server sha256'*) init_repository --object-format=sha256;; *) init_repository --object-format=sha1;; esac
  output=$(fetch) && code=0 || code=$?
esac
[ -z "$output" ] || printf '%s\\n' "$output" >&2
[ "$code" = 0 ] || exit "$code"
repo_git worktree prune
is_allowed_commit() {
  outside=$(repo_git rev-list -n 1 "$1" --not --remotes=devpilot --tags) && [ -z "$outside" ] && return
  [ -n "$DP_ROLLBACK" ] && repo_git worktree list --porcelain | grep -Fqx "HEAD $1"
}
if [ -n "$DP_KNOWN" ]; then
  commit=$DP_COMMIT
  repo_git cat-file -e "$commit^{commit}" 2>/dev/null || repo_git fetch --quiet origin "$commit"
elif [ -n "$DP_COMMIT" ]; then
  commit='' other=''
  # rev-parse without --disambiguate would prefer a tag or branch with that name.
  for object in $(repo_git rev-parse --disambiguate="$DP_COMMIT"); do
    [ "$(repo_git cat-file -t "$object")" = commit ] && is_allowed_commit "$object" || continue
    other=$commit commit=$object
    [ -z "$other" ] || fail "$DP_COMMIT matches several commits. Use more characters of the hash."
  done
  [ -n "$commit" ] || fail "The repository has no commit $DP_COMMIT in any branch or tag."
elif [ -n "$DP_TAG" ]; then
  tag=refs/tags/$DP_TAG
  # Selects the latest tag that matches the pattern. The suffix makes git sort v1.0.0-rc.1 before v1.0.0.
  case $DP_TAG in *'*'*) tag=$(repo_git -c versionsort.suffix=- for-each-ref --count=1 --sort=-version:refname --format='%(refname)' "$tag");; esac
  [ -n "$tag" ] && repo_git show-ref --verify --quiet "$tag" || fail "The repository has no tag $DP_TAG."
  commit=$(repo_git rev-parse --quiet --verify "$tag^{commit}") || fail "The tag \${tag#refs/tags/} does not point to a commit."
  printf 'tag %s\\n' "\${tag#refs/tags/}"
else
  commit=$(repo_git rev-parse --quiet --verify "refs/remotes/devpilot/$DP_BRANCH^{commit}") || fail "The repository has no branch $DP_BRANCH."
fi
if [ "$(git -C "$release" rev-parse --quiet --verify HEAD 2>/dev/null)" != "$commit" ]; then
  git_without_lfs -C "$repository" worktree add --quiet --detach --force "$release" "$commit"
fi
if [ -f "$release/.gitmodules" ]; then
  case $DP_REPOSITORY in
    # Relative submodule URLs are then local too.
    /*|file:*) git_without_lfs -C "$release" -c protocol.file.allow=always submodule --quiet update --init --recursive;;
    *) git_without_lfs -C "$release" submodule --quiet update --init --recursive;;
  esac
fi
# Fetches Git LFS files. Fails if it cannot, because the release would contain pointer files instead.
fetch_large_files() {
  git -C "$1" grep --cached -q 'filter=lfs' -- ':(glob)**/.gitattributes' || return 0
  first=$(git -C "$1" grep --cached -l '^version https://git-lfs.github.com/spec/' -- ':(attr:filter=lfs)' | head -n 1)
  [ -n "$first" ] || return 0
  command -v git-lfs >/dev/null || fail "$first and possibly other files are in Git LFS, but git-lfs is not installed on this server."
  git -C "$1" -c filter.lfs.smudge='git-lfs smudge -- %f' -c filter.lfs.process='git-lfs filter-process' -c filter.lfs.required=true lfs pull origin >/dev/null
  case $(head -c 40 "$1/$first" | tr -d '\\0') in 'version https://git-lfs.github.com/spec/'*) fail "git-lfs did not fetch $first.";; esac
}
fetch_large_files "$release"
if [ -f "$release/.gitmodules" ]; then
  git -C "$release" submodule --quiet foreach --recursive pwd | while read -r folder; do fetch_large_files "$folder"; done
fi
printf 'commit %s %s\\n' "$commit" "$(repo_git log -1 --format=%s "$commit")"
`;

/**
 * Links the shared directory, and writes the variables from standard input to `.env`, which only the user that runs the
 * step can read. If `DP_RESUME` is set, prints `unchanged` if `.env` already contains the same variables or there are
 * none.
 */
export const SETUP_SCRIPT = `set -eu
cd "$DP_DIR/releases/$DP_ID"
is_our_link() { [ "$(readlink shared)" = ../../shared ]; }
if ! is_our_link && { [ -e shared ] || [ -L shared ]; }; then echo 'The repository contains a file or directory with the name shared, so the shared directory of the app is not linked.'
else ln -s ../../shared shared 2>/dev/null || is_our_link; fi
if [ -n "$DP_VARIABLES" ]; then
  umask 077
  cat >".env.$DP_ID.$$"
  if [ -n "$DP_RESUME" ] && cmp -s ".env.$DP_ID.$$" .env; then rm -f ".env.$DP_ID.$$"; echo unchanged; exit; fi
  mv -f ".env.$DP_ID.$$" .env
  echo "Variables written to .env: $DP_VARIABLES"
elif [ -n "$DP_RESUME" ]; then echo unchanged; fi
`;

/** Makes the release live. The rename is atomic. */
export const ACTIVATE_SCRIPT = `set -eu
cd "$DP_DIR"
ln -sfn "releases/$DP_ID" ".devpilot/current.$DP_ID.$$"
mv -Tf ".devpilot/current.$DP_ID.$$" current
`;

/**
 * If this release is live, makes the previous release live again and prints `restored`. Then removes this release or,
 * if `DP_KEEP_RELEASE` is set, marks it as failed. Prints `kept` and the path if files cannot be removed.
 */
export const ROLLBACK_SCRIPT = `set -eu
cd "$DP_DIR"
# If the previous release is this release, two servers of the deployment are the same machine, and the rollback of the
# other server restores the release that was live before.
[ "$DP_PREVIOUS" != "releases/$DP_ID" ] || exit 0
if [ "$(readlink current || :)" = "releases/$DP_ID" ]; then
  if [ -n "$DP_PREVIOUS" ]; then
    ln -sfn "$DP_PREVIOUS" ".devpilot/current.$DP_ID.$$"
    mv -Tf ".devpilot/current.$DP_ID.$$" current
  else rm -f current; fi
  echo restored
fi
rm -f ".devpilot/current.$DP_ID".* || :
if [ -n "$DP_KEEP_RELEASE" ] && mkdir -p .devpilot/failed 2>/dev/null && : >".devpilot/failed/$DP_ID"; then exit 0; fi
rm -rf "releases/$DP_ID" || echo "kept releases/$DP_ID"
`;

/** Removes all releases except the newest `DP_KEEP` and the live one, and cleans up the copy of the repository. */
export const PRUNE_SCRIPT = `set -eu
export LC_ALL=C
cd "$DP_DIR/releases"
live=$(basename "$(readlink ../current)")
ls -1 | grep '^dpl_' | sort -r | {
  count=0
  while read -r name; do
    count=$((count+1))
    if [ "$count" -le "$DP_KEEP" ] || [ "$name" = "$live" ]; then continue; fi
    rm -rf "./$name" && echo "removed $name"
  done
}
# Git refuses the copy if a hook has changed its owner. The next deployment corrects that.
[ -O ../.devpilot/repository.git ] || exit 0
${LOCK_SNIPPET}git -C ../.devpilot/repository.git worktree prune
git -C ../.devpilot/repository.git -c gc.autoDetach=false gc --auto --quiet
`;

/**
 * Requests a URL on the server, and fails unless the status is below 400. `curl` and `wget` read the URL from standard
 * input, because it may contain a password, and other users of the machine can see arguments.
 */
export const HEALTH_CHECK_SCRIPT = `set -eu
if command -v curl >/dev/null; then
  # The URL is a quoted value in a configuration file of curl. -g: brackets and braces in the URL are not patterns.
  printf '%s\\n' "$DP_URL" | sed 's/["\\\\]/\\\\&/g; s/.*/url = "&"/' | curl -g -fsS -o /dev/null --max-time 10 -K -
elif command -v wget >/dev/null; then printf '%s\\n' "$DP_URL" | wget -q -O /dev/null -T 10 -t 1 -i -
else echo 'A health check of a URL requires curl or wget on the server.' >&2; exit 127; fi
`;
