/**
 * What Devpilot itself does on a server, as scripts for `/bin/sh`. They never change: everything that
 * somebody gave reaches them as variables, whose values a shell does not look into.
 */

/** Makes an app's directory and says what is live. */
export const PREPARE = `set -eu
mkdir -p "$DP_DIR/releases" "$DP_DIR/shared" "$DP_DIR/.devpilot"
if [ -e "$DP_DIR/current" ] && [ ! -L "$DP_DIR/current" ]; then
  echo "$DP_DIR/current is not a link; it can not be switched." >&2; exit 1
fi
printf 'previous %s\\n' "$(readlink "$DP_DIR/current" || :)"
`;

/** Brings the repository's copy up to date and checks the commit out into the release. */
export const CHECK_OUT = `set -eu
command -v git >/dev/null || { echo 'git is not installed on this server.' >&2; exit 127; }
repository="$DP_DIR/.devpilot/repository.git"
release="$DP_DIR/releases/$DP_ID"
export GIT_TERMINAL_PROMPT=0 GIT_SSH_COMMAND="\${GIT_SSH_COMMAND:-ssh -oBatchMode=yes}"
# Two servers of a deployment may be one machine under two names.
if command -v flock >/dev/null; then exec 9>"$DP_DIR/.devpilot/lock"; flock 9; fi
git init --quiet --bare "$repository"
git -C "$repository" -c gc.auto=0 fetch --quiet --prune --force devpilot '+refs/heads/*:refs/remotes/devpilot/*' '+refs/tags/*:refs/tags/*'
find() { git -C "$repository" rev-parse --quiet --verify "$1^{commit}"; }
if [ -n "$DP_COMMIT" ]; then
  find "$DP_COMMIT" >/dev/null || git -C "$repository" -c gc.auto=0 fetch --quiet devpilot "$DP_COMMIT" 2>/dev/null || :
  commit=$(find "$DP_COMMIT") || { echo "The repository has no commit $DP_COMMIT." >&2; exit 1; }
else
  commit=$(find "refs/remotes/devpilot/$DP_BRANCH") || { echo "The repository has no branch $DP_BRANCH." >&2; exit 1; }
fi
git -C "$repository" worktree prune
if [ "$(git -C "$release" rev-parse --quiet --verify HEAD 2>/dev/null)" != "$commit" ]; then
  git -C "$repository" worktree add --quiet --detach --force "$release" "$commit"
fi
if [ -f "$release/.gitmodules" ]; then git -C "$release" submodule --quiet update --init --recursive; fi
printf 'commit %s %s\\n' "$commit" "$(git -C "$repository" log -1 --format=%s "$commit")"
`;

/** Links what releases share, and writes the variables (standard input) for the app's eyes alone. */
export const SET_UP = `set -eu
cd "$DP_DIR/releases/$DP_ID"
ours() { [ "$(readlink shared)" = ../../shared ]; }
if ! ours && { [ -e shared ] || [ -L shared ]; }; then echo 'The repository has a shared of its own, so it is not linked.'
else ln -s ../../shared shared 2>/dev/null || ours; fi
if [ -n "$DP_VARIABLES" ]; then
  umask 077
  cat >".env.$DP_ID.$$"
  mv -f ".env.$DP_ID.$$" .env
  echo "Variables written to .env: $DP_VARIABLES"
fi
`;

/** Makes the release the live one: from one instant to the next, since a rename has no middle. */
export const SWITCH = `set -eu
cd "$DP_DIR"
ln -sfn "releases/$DP_ID" ".devpilot/current.$DP_ID.$$"
mv -Tf ".devpilot/current.$DP_ID.$$" current
`;

/**
 * Makes the previous release live again, if this one is, and removes this one. Prints `restored` if it
 * was live. Files that cannot be removed are reported by `kept` and stop nothing.
 */
export const RESTORE = `set -eu
cd "$DP_DIR"
# One machine under two names: what was there before is known under the other.
[ "$DP_PREVIOUS" != "releases/$DP_ID" ] || exit 0
if [ "$(readlink current || :)" = "releases/$DP_ID" ]; then
  if [ -n "$DP_PREVIOUS" ]; then
    ln -sfn "$DP_PREVIOUS" ".devpilot/current.$DP_ID.$$"
    mv -Tf ".devpilot/current.$DP_ID.$$" current
  else rm -f current; fi
  echo restored
fi
rm -f ".devpilot/current.$DP_ID".* || :
rm -rf "releases/$DP_ID" || echo "kept releases/$DP_ID"
`;

/** Removes all but the newest releases, and never the live one. */
export const PRUNE = `set -eu
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
git -C ../.devpilot/repository.git worktree prune
git -C ../.devpilot/repository.git -c gc.autoDetach=false gc --auto --quiet
`;

/** Asks an address of the server for an answer below 400. It may hold a password, so it comes by standard input. */
export const ASK = `set -eu
if command -v curl >/dev/null; then printf 'url = "%s"\\n' "$DP_URL" | curl -fsS -o /dev/null --max-time 10 -K -
elif command -v wget >/dev/null; then printf '%s\\n' "$DP_URL" | wget -q -O /dev/null -T 10 -t 1 -i -
else echo 'A health check of an address needs curl or wget on the server.' >&2; exit 127; fi
`;
