import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CONTROL_FAMILIES, isControlVariable } from './control-variables.ts';

test('variables that control loaders, shells and interpreters are recognised in either case', () => {
  const names =
    'PATH path LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT BASH_ENV ENV IFS GIT_SSH_COMMAND GIT_CONFIG_COUNT NODE_OPTIONS PYTHONPATH PYTHONSTARTUP PERL5OPT PERL5LIB RUBYOPT SHELLOPTS PS4 PROMPT_COMMAND GCONV_PATH LOCPATH JAVA_TOOL_OPTIONS _JAVA_OPTIONS JDK_JAVA_OPTIONS DOTNET_STARTUP_HOOKS CORECLR_PROFILER CLASSPATH npm_config_script_shell NPM_CONFIG_REGISTRY HOME EDITOR GIT_PAGER PSQL_PAGER SUDO_ASKPASS TAR_OPTIONS RSYNC_RSH CVS_RSH MAKEFLAGS OPENSSL_CONF SSL_CERT_FILE XDG_CONFIG_HOME BUNDLE_GEMFILE PIP_INDEX_URL RUSTC_WRAPPER GOFLAGS DOCKER_HOST KUBECONFIG AWS_CONFIG_FILE ODBCSYSINI OPTIND UID ZDOTDIR HGRCPATH HGEDITOR NVM_DIR ASDF_DIR ASDF_DATA_DIR RBENV_ROOT RBENV_VERSION PYENV_ROOT PGPASSFILE PGSERVICEFILE CARGO_HOME GOENV GOPROXY GOCACHEPROG MAVEN_OPTS KAFKA_JAVA_OPTS PHPRC PHP_INI_SCAN_DIR LUA_INIT_5_3 TMPDIR http_proxy HTTPS_PROXY all_proxy no_proxy CURL_HOME WGETRC NETRC YARN_RC_FILENAME COMPOSER_HOME VISUAL MANPAGER SSH_ASKPASS DOCKER_CONFIG DOCKER_CONTEXT XDEBUG_CONFIG RESTIC_PASSWORD_COMMAND BORG_PASSCOMMAND RIPGREP_CONFIG_PATH ZIPOPT XDG_RUNTIME_DIR CONFIG_SITE ESBUILD_BINARY_PATH PUPPETEER_EXECUTABLE_PATH ASPNETCORE_HOSTINGSTARTUPASSEMBLIES UWSGI_PYTHONPATH';
  for (const name of names.split(' ')) assert.ok(isControlVariable(name), name);
});

test("an app's usual variables are not control variables", () => {
  const names =
    'DATABASE_URL PORT NODE_ENV RAILS_ENV MIX_ENV DJANGO_SETTINGS_MODULE SECRET_KEY_BASE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_REGION GOOGLE_APPLICATION_CREDENTIALS REDIS_URL LOG_LEVEL TZ LANG LC_ALL SMTP_HOST SSH_PRIVATE_KEY NPM_TOKEN COMPOSER_AUTH COMPOSE_PROJECT_NAME DOTNET_ENVIRONMENT ASPNETCORE_ENVIRONMENT JAVA_VERSION SHOP_KEY TERM_OF_SALE PGPASSWORD PGHOST MYSQL_PWD RUST_LOG RUST_BACKTRACE DEBUG USER HOMEPAGE PATHS PGUSER PGPORT PGDATABASE PGSSLMODE DOCKER_USERNAME DOCKER_PASSWORD TRUST_PROXY PUMA_WORKERS UV_THREADPOOL_SIZE PYTHONUNBUFFERED MALLOC_ARENA_MAX RESTIC_PASSWORD BORG_PASSPHRASE TF_VAR_region AWS_ENDPOINT_URL_S3 GOOGLE_CLOUD_PROJECT GOMAXPROCS CARGO_REGISTRY_TOKEN STORAGE_PATH UPLOAD_PATH TEMPERATURE ZIP_CODE LESSON_COUNT HEX_API_KEY';
  for (const name of names.split(' ')) assert.ok(!isControlVariable(name), name);
});

test('docs/variables.md lists every family with its reason, and no name is listed twice', () => {
  const page = readFileSync(new URL('../../docs/variables.md', import.meta.url), 'utf8');
  const rows = CONTROL_FAMILIES.map(
    ({ title, reason, names }) =>
      `| ${title} | ${reason} | ${names
        .split(' ')
        .map((name) => (name.startsWith('!') ? `not \`${name.slice(1)}\`` : `\`${name}\``))
        .join(', ')} |`,
  );
  const missing = rows.filter((row) => !page.includes(`${row}\n`));
  assert.deepEqual(missing, [], `docs/variables.md lacks:\n${missing.join('\n')}`);
  const names = CONTROL_FAMILIES.flatMap(({ names }) => names.split(' '));
  assert.deepEqual(names, [...new Set(names)]);
  for (const name of names) assert.match(name, /^(?:[A-Z0-9_]+|[A-Z0-9_]+\*|\*[A-Z0-9_]+|![A-Z0-9_]+)$/);
});
