/**
 * Environment variables that an app's commands do not receive from the app's environment. Devpilot sets some of them
 * itself. Most of the others control loaders, shells, interpreters and common tools: what they run or load, which files
 * they read, or where they connect. Permission to set an app's variables must not imply permission to choose what its
 * commands run, so these variables are only written to the app's `.env`. Commands do receive variables that merely
 * configure an app, such as `DATABASE_URL`, `PGHOST` or credentials. Sources: ld.so(8) and glibc's list of unsafe
 * variables, bash(1), sudo's default `env_delete`, the GNU make manual (10.3), and the manuals of the tools.
 * `docs/variables.md` contains the same table. Runs in browsers.
 */

/**
 * Names with a common reason, separated by spaces. `X*` matches names that begin with X, `*X` names that end with X.
 * `!X` is an exception, which commands receive.
 */
export interface ControlFamily {
  readonly title: string;
  readonly reason: string;
  readonly names: string;
}

/** Variables that Devpilot sets for hooks, health checks, and log, restore and verification commands. */
const DEVPILOT_VARIABLES = [
  'DEVPILOT_APP',
  'DEVPILOT_DEPLOYMENT_ID',
  'DEVPILOT_STAGE',
  'DEVPILOT_DIRECTORY',
  'DEVPILOT_RELEASE',
  'DEVPILOT_BRANCH',
  'DEVPILOT_TAG',
  'DEVPILOT_COMMIT',
  'DEVPILOT_PREVIOUS',
  'DEVPILOT_FOLLOW',
  'DEVPILOT_FOLDER',
  'DEVPILOT_VARIABLES_DIR',
  'DEVPILOT_SIZE',
  'DP_DIR',
] as const;
/** The environment that Devpilot adds to the variables of an app. The type allows only the names listed above. */
export type DevpilotEnvironment = Readonly<Partial<Record<(typeof DEVPILOT_VARIABLES)[number], string>>>;

export const CONTROL_FAMILIES: readonly ControlFamily[] = [
  {
    title: 'Devpilot',
    reason: 'Set by Devpilot for hooks, health checks, and log, restore and verification commands',
    names: DEVPILOT_VARIABLES.join(' '),
  },
  {
    title: 'Shells',
    reason: 'Lookup of commands and startup files, word splitting, and the location of temporary files',
    names:
      'PATH IFS ENV HOME SHELL SHELLOPTS BASH* CDPATH FPATH FISH_* ZDOTDIR NULLCMD READNULLCMD TMPPREFIX TMPDIR TMP TEMP TEMPDIR GLOBIGNORE EXECIGNORE FCEDIT HISTFILE INPUTRC MAILPATH PROMPT PROMPT_COMMAND PS0 PS1 PS2 PS3 PS4 POSIXLY_CORRECT PWD OLDPWD UID EUID PPID OPTIND _',
  },
  {
    title: 'Loaders and the C library',
    reason: 'Library loading and host name resolution',
    names:
      'LD_* DYLD_* _RLD* MALLOC_* !MALLOC_ARENA_MAX ASAN_OPTIONS HWASAN_OPTIONS LSAN_OPTIONS MSAN_OPTIONS TSAN_OPTIONS UBSAN_OPTIONS GCONV_PATH GETCONF_DIR GLIBC_TUNABLES HOSTALIASES LIBC_FATAL_STDERR_ LOCALDOMAIN LOCPATH MUSL_LOCPATH NIS_PATH NLSPATH PATH_LOCALE RESOLV_HOST_CONF RES_OPTIONS TZDIR TERMCAP TERMINFO TERMINFO_DIRS TERMPATH',
  },
  {
    title: 'Node and JavaScript',
    reason: 'Preloaded code, trusted certificates, and the sources of packages and browsers',
    names:
      'NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS NODE_TLS_REJECT_UNAUTHORIZED NODE_REPL_EXTERNAL_MODULE NODE_COMPILE_CACHE NODE_REDIRECT_WARNINGS NODE_V8_COVERAGE NODE_ICU_DATA NODE_GYP_FORCE_PYTHON NPM_CONFIG_* NPM_EXECPATH NPM_NODE_EXECPATH PNPM_* YARN_* BUN_* COREPACK_* DENO_* !DENO_DEPLOYMENT_ID TS_NODE_* PM2_HOME ELECTRON_* PLAYWRIGHT_* PUPPETEER_* !PUPPETEER_SKIP_DOWNLOAD CHROME_PATH CHROME_BIN CYPRESS_INSTALL_BINARY CYPRESS_RUN_BINARY PRISMA_QUERY_ENGINE_BINARY PRISMA_QUERY_ENGINE_LIBRARY PRISMA_SCHEMA_ENGINE_BINARY PRISMA_ENGINES_MIRROR TURBO_API TURBO_CACHE_DIR',
  },
  {
    title: 'Python',
    reason: 'Code imported at startup, and the sources of packages',
    names:
      'PYTHON* !PYTHONUNBUFFERED !PYTHONDONTWRITEBYTECODE !PYTHONIOENCODING !PYTHONUTF8 !PYTHONHASHSEED PIP_* PIPENV_* PIPX_* POETRY_* PDM_* UV_* !UV_THREADPOOL_SIZE CONDA_* MAMBA_* VIRTUAL_ENV VIRTUALENV_* WORKON_HOME IPYTHONDIR JUPYTER_* PYTEST_ADDOPTS PYTEST_PLUGINS COVERAGE_PROCESS_START GUNICORN_CMD_ARGS UWSGI_*',
  },
  {
    title: 'Ruby and Perl',
    reason: 'Code required at startup, and the sources of libraries',
    names: 'RUBY* !RUBY_YJIT_ENABLE BUNDLE_* BUNDLER_* GEM_* IRBRC RAKE_SYSTEM JRUBY_OPTS JRUBY_HOME PERL*',
  },
  {
    title: 'PHP',
    reason: 'Configuration, extensions and packages, and the debugger to connect to',
    names:
      'PHPRC PHP_INI_SCAN_DIR XDEBUG_* COMPOSER COMPOSER_HOME COMPOSER_VENDOR_DIR COMPOSER_BIN_DIR COMPOSER_CACHE_* COMPOSER_CAFILE WP_CLI_*',
  },
  {
    title: 'Java and .NET',
    reason: 'Choice of runtime, and its options, agents, hooks and packages',
    names:
      'JAVA_HOME JRE_HOME JDK_HOME CLASSPATH *JAVA_OPTS *JAVA_OPTIONS *JAVA_ARGS *JVM_OPTS *JVM_ARGS JAVA_TOOL_OPTIONS LOADER_PATH LOADER_MAIN OTEL_JAVAAGENT_EXTENSIONS CATALINA_* SBT_OPTS M2_HOME MAVEN_* GRADLE_* ANT_* LEIN_* SCALA_HOME GROOVY_HOME KOTLIN_HOME DOTNET_* !DOTNET_ENVIRONMENT ASPNETCORE_HOSTINGSTARTUPASSEMBLIES COMPLUS_* CORECLR_* COR_* MSBUILD* NUGET_* MONO_* PSMODULEPATH',
  },
  {
    title: 'Go, Rust and C',
    reason: 'Compilers, flags and caches, and the sources of modules',
    names:
      'GOFLAGS GOENV GOPATH GOROOT GOPROXY GONOPROXY GOPRIVATE GOTOOLCHAIN GOTOOLDIR GOBIN GOCACHE GOCACHEPROG GOMODCACHE GOSUMDB GONOSUMDB GONOSUMCHECK GOINSECURE GOVCS GOAUTH GOWORK GOEXPERIMENT GOTMPDIR CGO_* CARGO_* !CARGO_REGISTRY_TOKEN RUSTC* RUSTDOC* RUSTFLAGS RUSTUP_* SCCACHE_* CCACHE_* DISTCC_* ZIG_* CC CXX CPP LD AR AS FC LEX YACC RM CFLAGS CXXFLAGS CPPFLAGS FFLAGS LDFLAGS LDLIBS ARFLAGS ASFLAGS CPATH C_INCLUDE_PATH CPLUS_INCLUDE_PATH COMPILER_PATH GCC_EXEC_PREFIX MAKE MAKEFLAGS GNUMAKEFLAGS MFLAGS MAKEFILES PKG_CONFIG* CONFIG_SITE CONFIG_SHELL ACLOCAL_PATH M4 M4PATH CMAKE_* BAZEL_* BAZELISK_*',
  },
  {
    title: 'Other languages',
    reason: 'Code loaded at startup, and the sources of libraries',
    names:
      'LUA_* TCLLIBPATH TCL_LIBRARY R_HOME R_LIBS R_LIBS_SITE R_LIBS_USER R_PROFILE R_PROFILE_USER R_ENVIRON R_ENVIRON_USER JULIA_* OCAMLRUNPARAM CAMLRUNPARAM CAML_LD_LIBRARY_PATH AWKPATH AWKLIBPATH ERL_* ELIXIR_* MIX_EXS MIX_HOME MIX_ARCHIVES MIX_PATH MIX_DEPS_PATH MIX_BUILD_PATH HEX_* !HEX_API_KEY REBAR_* RELEASE_ROOT RELEASE_VM_ARGS RELEASE_SYS_CONFIG GUILE_* GHC_* STACK_ROOT STACK_YAML CABAL_DIR CABAL_CONFIG DART_VM_OPTIONS PUB_CACHE PUB_HOSTED_URL FLUTTER_ROOT FLUTTER_STORAGE_BASE_URL',
  },
  {
    title: 'Version managers',
    reason: 'Version and location of interpreters and tools',
    names:
      'NVM_* FNM_* VOLTA_* N_PREFIX NODENV_* ASDF_* MISE_* RBENV_* RVM_* PYENV_* PHPENV_* PLENV_* JENV_* SDKMAN_* TFENV_* GHCUP_* OPAM* NIX_* HOMEBREW_* DIRENV_*',
  },
  {
    title: 'Version control and remote shells',
    reason: 'Configuration, hooks, extensions and transports',
    names:
      'GIT_* GH_HOST GH_PATH GH_CONFIG_DIR GLAB_CONFIG_DIR HG HGRCPATH HGMERGE SVN_SSH CVSROOT CVS_SERVER BZR_* JJ_CONFIG SSH_AUTH_SOCK SSH_ASKPASS_REQUIRE SSH_SK_PROVIDER *_RSH *ASKPASS RSYNC_*',
  },
  {
    title: 'Editors, pagers and programs named by path',
    reason: 'Programs that other programs start',
    names:
      '*PAGER *EDITOR *VISUAL BROWSER GH_BROWSER LESS LESSOPEN LESSCLOSE LESSKEY LESSKEYIN MORE VIMINIT EXINIT MYVIMRC VIMRUNTIME EMACSLOADPATH SCREENRC *PASSCOMMAND *PASSWORD_COMMAND FZF_DEFAULT_COMMAND FZF_DEFAULT_OPTS *_EXECUTABLE_PATH *_BINARY_PATH *_BINARY_SITE *_BINARY_HOST *_BINARY_HOST_MIRROR LIBRARY_PATH *_LIBRARY_PATH',
  },
  {
    title: 'Proxies and trust',
    reason: 'Routing of traffic, and trusted certificates',
    names:
      'HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY FTP_PROXY WS_PROXY WSS_PROXY SOCKS_PROXY SOCKS5_PROXY SOCKS_SERVER GRPC_PROXY GLOBAL_AGENT_* PROXYCHAINS_CONF_FILE SSL_CERT_FILE SSL_CERT_DIR SSLKEYLOGFILE OPENSSL_* GNUTLS_* *CA_BUNDLE HTTPLIB2_CA_CERTS GRPC_DEFAULT_SSL_ROOTS_FILE_PATH CURL_HOME CURL_SSL_BACKEND WGETRC SYSTEM_WGETRC NETRC KRB5_CONFIG SASL_PATH SASL_CONF_PATH LDAPCONF LDAPRC GNUPGHOME',
  },
  {
    title: 'Database clients',
    reason: 'Configuration and plug-ins of clients; hosts, users and passwords are passed',
    names:
      'PSQLRC PGSYSCONFDIR PGSERVICE PGSERVICEFILE PGPASSFILE MYSQL_HOME MYSQL_TEST_LOGIN_FILE LIBMYSQL_PLUGINS LIBMYSQL_PLUGIN_DIR MARIADB_PLUGIN_DIR REDISCLI_RCFILE ODBCINI ODBCINSTINI ODBCSYSINI FREETDSCONF TNS_ADMIN ORACLE_HOME ORACLE_PATH SQLPATH',
  },
  {
    title: 'Containers, clouds and infrastructure',
    reason: 'Configuration, plug-ins and endpoints of commands; user names, keys and regions are passed',
    names:
      'DOCKER_HOST DOCKER_CONFIG DOCKER_CONTEXT DOCKER_CERT_PATH DOCKER_TLS_VERIFY DOCKER_CONTENT_TRUST DOCKER_CONTENT_TRUST_SERVER BUILDKIT_HOST BUILDX_CONFIG BUILDX_BUILDER COMPOSE_FILE COMPOSE_ENV_FILES CONTAINER_HOST CONTAINERS_* CONTAINERD_ADDRESS REGISTRY_AUTH_FILE KUBECONFIG KUBERC KUBERNETES_MASTER KUBECTL_EXTERNAL_DIFF KUSTOMIZE_PLUGIN_HOME KREW_ROOT HELM_* TF_CLI_ARGS* TF_CLI_CONFIG_FILE TF_DATA_DIR TF_PLUGIN_CACHE_DIR TF_REATTACH_PROVIDERS TERRAGRUNT_* PACKER_* PULUMI_HOME ANSIBLE_* VAGRANT_* AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE AWS_DATA_PATH AZURE_CONFIG_DIR AZURE_EXTENSION_DIR BOTO_CONFIG BOTO_PATH CLOUDSDK_CONFIG CLOUDSDK_PYTHON* CLOUDSDK_PROXY_* CLOUDSDK_API_ENDPOINT_* CLOUDSDK_ROOT_DIR GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES RCLONE_CONFIG RCLONE_CONFIG_DIR RCLONE_SFTP_SSH BORG_REMOTE_PATH BORG_BASE_DIR BORG_CONFIG_DIR BORG_CACHE_DIR BORG_SECURITY_DIR SYSTEMD_* DBUS_SESSION_BUS_ADDRESS DBUS_SYSTEM_BUS_ADDRESS XDG_*',
  },
  {
    title: 'Archives, search, images and documents',
    reason: 'Options that tools read from the environment, and the modules they load',
    names:
      'TAR_OPTIONS GREP_OPTIONS RIPGREP_CONFIG_PATH ZIP ZIPOPT UNZIP UNZIPOPT GZIP BZIP BZIP2 XZ_OPT XZ_DEFAULTS PARALLEL PARALLEL_* MAILRC MAILCAPS MAGICK_* GS_LIB GS_OPTIONS GTK_MODULES GTK_PATH GDK_PIXBUF_MODULE_FILE GDK_PIXBUF_MODULEDIR QT_PLUGIN_PATH GIO_EXTRA_MODULES GST_PLUGIN_PATH LIBVA_DRIVERS_PATH LADSPA_PATH FREI0R_PATH TEXMF* TEXINPUTS',
  },
];

const PATTERNS = CONTROL_FAMILIES.flatMap(({ names }) => names.split(' '));
const EXCEPTIONS = new Set(PATTERNS.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1)));
const NAMES = new Set(PATTERNS.filter((pattern) => !/[!*]/.test(pattern)));
const PREFIXES = PATTERNS.filter((pattern) => pattern.endsWith('*')).map((pattern) => pattern.slice(0, -1));
const SUFFIXES = PATTERNS.filter((pattern) => pattern.startsWith('*')).map((pattern) => pattern.slice(1));

/** Returns whether commands do not receive a variable of this name, in upper or lower case. Pure. */
export function isControlVariable(name: string): boolean {
  const upper = name.toUpperCase();
  if (EXCEPTIONS.has(upper)) return false;
  return (
    NAMES.has(upper) ||
    PREFIXES.some((prefix) => upper.startsWith(prefix)) ||
    SUFFIXES.some((suffix) => upper.endsWith(suffix))
  );
}
