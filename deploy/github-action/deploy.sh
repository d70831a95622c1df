#!/bin/sh
# Deploys an app with the identity of a CI job, without a stored secret. Fails unless the deployment completes. Needs
# curl 7.82 or later.
# Variables:
# - DEVPILOT_URL: URL of the Devpilot server.
# - DEVPILOT_WORKLOAD_IDENTITY: ID of the workload identity.
# - DEVPILOT_APP: ID or slug of the app.
# - DEVPILOT_COMMIT: full hash of the commit to deploy.
# - DEVPILOT_POLL_SECONDS: seconds between two requests for the status of the deployment; 2 by default.
# The identity token is read from DEVPILOT_ID_TOKEN, or requested from GitHub Actions. Each identity token is accepted once:
# if the deployment outlasts the access token, the next one is read from DEVPILOT_ID_TOKEN_2 and so on, or requested from
# GitHub Actions.
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
# Prints the value of the first field with this name in JSON: an ID, a token or a status, which contain no quotation marks.
field() {
  grep -o "\"$1\":\"[^\"]*\"" | head -n 1 | cut -d '"' -f 4
}
revoke() {
  [ -z "$1" ] || printf 'token=%s' "$1" | curl --silent --max-time 60 --data @- "$url/v1/revoke" || true
}
trap 'revoke "$token"' EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

# Sets identity_token to an identity token that has not been exchanged yet.
identity_tokens_used=0
next_identity_token() {
  identity_tokens_used=$((identity_tokens_used + 1))
  if [ -n "${DEVPILOT_ID_TOKEN:-}" ]; then
    if [ "$identity_tokens_used" -eq 1 ]; then
      identity_token=$DEVPILOT_ID_TOKEN
    else
      eval "identity_token=\${DEVPILOT_ID_TOKEN_$identity_tokens_used:-}"
    fi
    [ -n "$identity_token" ] && return
    echo 'The access token expires before the deployment finishes, and the job has no other identity token to exchange.' \
      'Give the workload identity a longer lifetime: devpilot workload-identities update --lifetime' >&2
    return 1
  fi
  if [ -z "${ACTIONS_ID_TOKEN_REQUEST_URL:-}" ]; then
    echo 'The job has no identity token: give it the permission "id-token: write" (GitHub) or id_tokens (GitLab).' >&2
    return 1
  fi
  identity_token=$(printf 'Authorization: Bearer %s\n' "$ACTIONS_ID_TOKEN_REQUEST_TOKEN" |
    send --get --data-urlencode "audience=$url" "$ACTIONS_ID_TOKEN_REQUEST_URL" | field value)
  [ -n "$identity_token" ] || { echo 'GitHub issued no identity token.' >&2; return 1; }
}

# Sets token to a new access token, and renew_at to the time to replace it, in seconds since the epoch. Revokes the previous
# access token.
exchange() {
  next_identity_token || return 1
  response=$(printf '%s' "$identity_token" | curl --silent --show-error --fail-with-body --max-time 60 --retry 3 \
    --data-urlencode 'grant_type=urn:ietf:params:oauth:grant-type:token-exchange' \
    --data-urlencode 'subject_token_type=urn:ietf:params:oauth:token-type:jwt' \
    --data-urlencode "resource=$DEVPILOT_WORKLOAD_IDENTITY" \
    --data-urlencode 'subject_token@-' "$url/v1/oauth/token") || { printf '%s\n' "$response" >&2; return 1; }
  previous=$token
  token=$(printf '%s' "$response" | field access_token)
  [ -z "${GITHUB_ACTIONS:-}" ] || echo "::add-mask::$token"
  lifetime=$(printf '%s' "$response" | grep -o '"expires_in":[0-9]*' | cut -d : -f 2)
  # Renews 60 s before expiry, or after two thirds of a lifetime under 180 s.
  renew_at=$(($(date +%s) + lifetime - (lifetime < 180 ? lifetime / 3 : 60)))
  revoke "$previous"
}

exchange || exit 1
response=$(with_token --json "{\"commit\":\"$DEVPILOT_COMMIT\"}" "$url/v1/apps/$DEVPILOT_APP/deployments") || { printf '%s\n' "$response" >&2; exit 1; }
id=$(printf '%s' "$response" | field id)
echo "Deployment $id created."

failures=0
while :; do
  if [ "$(date +%s)" -ge "$renew_at" ]; then
    # If no token could be exchanged, tries again after 30 s.
    exchange || renew_at=$(($(date +%s) + 30))
  fi
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
    # On 401, the access token was revoked early, for instance because the workload identity was edited: get a new one.
    case $response in *'"status":401'*) renew_at=0 ;; esac
  fi
  sleep "${DEVPILOT_POLL_SECONDS:-2}"
done
