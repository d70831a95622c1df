#!/bin/sh
# Deploys an app with the identity of a CI job, without a stored secret, and ends as the deployment ends. Needs curl.
# Variables: DEVPILOT_URL, DEVPILOT_WORKLOAD_IDENTITY, DEVPILOT_APP and DEVPILOT_COMMIT, the full hash of a commit.
# The identity token is in DEVPILOT_ID_TOKEN, or is requested from GitHub Actions.
set -eu
url=${DEVPILOT_URL%/}
token=

# Sends a request and prints the body of the response. The authorization is read from standard input, so that no secret
# is ever on a command line.
send() {
  curl --silent --show-error --fail-with-body --max-time 60 --header @- "$@"
}
with_token() {
  printf 'Authorization: Bearer %s\n' "$token" | send "$@"
}
# Prints the first value of a field of a JSON object: an ID, a token or a status, which contain no quotation marks.
field() {
  grep -o "\"$1\":\"[^\"]*\"" | head -n 1 | cut -d '"' -f 4
}
revoke() {
  [ -z "$token" ] || printf 'token=%s' "$token" | curl --silent --max-time 60 --data @- "$url/v1/revoke" || true
}
trap revoke EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

if [ -z "${DEVPILOT_ID_TOKEN:-}" ]; then
  if [ -z "${ACTIONS_ID_TOKEN_REQUEST_URL:-}" ]; then
    echo 'The job has no identity token: give it the permission "id-token: write" (GitHub) or id_tokens (GitLab).' >&2
    exit 1
  fi
  DEVPILOT_ID_TOKEN=$(printf 'Authorization: Bearer %s\n' "$ACTIONS_ID_TOKEN_REQUEST_TOKEN" |
    send --get --data-urlencode "audience=$url" "$ACTIONS_ID_TOKEN_REQUEST_URL" | field value)
fi

response=$(printf '%s' "$DEVPILOT_ID_TOKEN" | curl --silent --show-error --fail-with-body --max-time 60 \
  --data-urlencode 'grant_type=urn:ietf:params:oauth:grant-type:token-exchange' \
  --data-urlencode 'subject_token_type=urn:ietf:params:oauth:token-type:jwt' \
  --data-urlencode "resource=$DEVPILOT_WORKLOAD_IDENTITY" \
  --data-urlencode 'subject_token@-' "$url/v1/oauth/token") || { printf '%s\n' "$response" >&2; exit 1; }
token=$(printf '%s' "$response" | field access_token)
[ -z "${GITHUB_ACTIONS:-}" ] || echo "::add-mask::$token"

response=$(with_token --json "{\"commit\":\"$DEVPILOT_COMMIT\"}" "$url/v1/apps/$DEVPILOT_APP/deployments") || { printf '%s\n' "$response" >&2; exit 1; }
id=$(printf '%s' "$response" | field id)
echo "Deployment $id started."

failures=0
while :; do
  if response=$(with_token "$url/v1/deployments/$id"); then
    failures=0
    status=$(printf '%s' "$response" | field status)
    case $status in
      completed) echo "Deployment $id completed."; exit 0 ;;
      failed | cancelled) echo "Deployment $id $status." >&2; printf '%s\n' "$response" >&2; exit 1 ;;
    esac
  else
    failures=$((failures + 1))
    if [ "$failures" -ge 10 ]; then
      echo "The result of deployment $id could not be read." >&2
      exit 1
    fi
  fi
  sleep "${DEVPILOT_POLL_SECONDS:-2}"
done
