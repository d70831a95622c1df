import { hostKeyAlgorithms } from '../../runner/ssh.ts';
import type { DeployKeyCredentials } from '../resources/deploy-keys.ts';
import type { RepositoryCredentials } from '../resources/repository-credentials.ts';

/**
 * Runs ssh for git. A connection to the repository's host uses the deploy key held by `ssh-agent`, trusts only the
 * confirmed host key, and ignores the ssh configuration of the machine that git runs on. A connection to another host
 * has no access to `ssh-agent`. The loop finds the host and port among git's arguments; `next` is the meaning of the
 * following argument.
 */
const SSH_SCRIPT = `host= port=22 next=
for word do
  case $next in port) port=$word next=; continue;; value) next=; continue;; esac
  case $word in
    -p) next=port;;
    -p*) port=\${word#-p};;
    -[BbcDEeFIiJLlmOoQRSWw]) next=value;;
    -*) ;;
    *) host=$(printf %s "\${word##*@}" | tr A-Z a-z); break;;
  esac
done
if [ "$host $port" != "$DP_GIT_HOST" ]; then unset SSH_AUTH_SOCK; exec ssh -oBatchMode=yes "$@"; fi
exec ssh -F /dev/null -oBatchMode=yes -oStrictHostKeyChecking=yes "-oUserKnownHostsFile=\\"$DP_KNOWN_HOSTS\\"" \\
  -oGlobalKnownHostsFile=/dev/null -oHostKeyAlias=devpilot-pinned "-oHostKeyAlgorithms=$DP_HOST_KEY_ALGORITHMS" -oCheckHostIP=no \\
  -oUpdateHostKeys=no -oIdentityFile=none -oPreferredAuthentications=publickey -oForwardAgent=no -oClearAllForwardings=yes "$@"`;

function sshEnvironment({ host, port, hostKey, privateKey }: DeployKeyCredentials): Record<string, string> {
  return {
    GIT_CONFIG_COUNT: '0',
    GIT_SSH_COMMAND: '/bin/sh -c "$DP_SSH" ssh',
    GIT_SSH_VARIANT: 'ssh',
    DP_SSH: SSH_SCRIPT,
    DP_GIT_HOST: `${host} ${port}`,
    DP_HOST_KEY: hostKey,
    DP_HOST_KEY_ALGORITHMS: hostKeyAlgorithms(hostKey),
    DP_DEPLOY_KEY: privateKey,
  };
}

/**
 * Returns the variables that pass the repository's credentials to git, so that they are not on a command line. Git uses
 * the credentials only for the scheme, host and port of the repository, so neither a submodule on another host nor a
 * redirect receives them. No credential helper of the machine that git runs on stores them. Pure.
 */
export function gitEnvironment(credentials: RepositoryCredentials | null): Record<string, string> {
  if (credentials === null) return { GIT_CONFIG_COUNT: '0' };
  if (credentials.kind === 'deploy_key') return sshEnvironment(credentials);
  const helper = `credential.${credentials.origin}.helper`;
  return {
    GIT_CONFIG_COUNT: '2',
    // The empty value disables the helpers configured on the machine that git runs on.
    GIT_CONFIG_KEY_0: helper,
    GIT_CONFIG_VALUE_0: '',
    GIT_CONFIG_KEY_1: helper,
    GIT_CONFIG_VALUE_1: `!f() { [ "$1" != get ] || printf 'username=%s\\npassword=%s\\n' "$DP_USER" "$DP_PASSWORD"; }; f`,
    DP_USER: credentials.user,
    DP_PASSWORD: credentials.password,
  };
}
