import { PERMISSIONS, SCOPES } from './vocabulary.ts';

/**
 * Limits of requests. Lengths of texts are in code points, after NFC normalization and, except for passphrases and
 * passwords, trimming.
 */
export const LIMITS = {
  name: { min: 3, max: 255 },
  description: { max: 1000 },
  passphrase: { min: 8, max: 255 },
  password: { min: 8, max: 255 },
  personName: { min: 1, max: 255 },
  email: { max: 254 },
  page: { default: 50, max: 200 },
  /** Maximum number of results that are counted for the total of a list. */
  countedTotal: 10_000,
  query: { max: 255 },
  /** Long enough for the longest name in base64. */
  cursor: { max: 2048 },
  /** Passkeys per person. */
  passkeys: { max: 20 },
  /** Pending passkey challenges per client address. */
  passkeyChallenges: { max: 200 },
  /** Pending password reset links per person. */
  passwordResets: { max: 5 },
  idempotencyKey: { min: 1, max: 255 },
  bodyBytes: 1_048_576,
  /** Enough for a secret and a passphrase with every byte escaped, many times over. */
  formBodyBytes: 65_536,
  /** Fields of a form. */
  formFields: 100,
} as const;

// Units of time in milliseconds
export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Durations in milliseconds. */
export const DURATIONS = {
  sessionIdle: 14 * DAY,
  sessionLifetime: 90 * DAY,
  invitation: 7 * DAY,
  deviceCode: 15 * MINUTE,
  devicePoll: 5 * SECOND,
  passkeyChallenge: 5 * MINUTE,
  passwordReset: HOUR,
  /** From the start of a single sign-on to its completion. */
  singleSignOn: 10 * MINUTE,
  /** How long a sign-in at the provider counts as reauthentication. */
  freshSignIn: 10 * MINUTE,
  /** How often a session with a refresh token is checked with the provider. */
  sessionCheck: HOUR,
  idempotency: DAY,
  /** How long a replaced secret of a webhook still signs messages. */
  webhookSecretOverlap: DAY,
  /**
   * How long the secret of a deleted credential, or of a session that was ended because its secret was reported or
   * revoked, is recognized.
   */
  tombstone: 90 * DAY,
  /** How long before the expiry of a credential the responses to its requests have the header `Sunset`. */
  sunset: 30 * DAY,
  /** How long a delivery is retried, and how long a webhook can fail before it is switched off. */
  webhookRetries: 3 * DAY,
  /** How long an expired token that was issued in an exchange is still listed. */
  expiredIssuedToken: HOUR,
} as const;

/**
 * Failures allowed before responses become `rate_limited`; windows in milliseconds. A subject is a credential or an
 * account. A failure counts per subject and client address (`perAddress`), and per subject.
 */
export const FAILURE_LIMITS = {
  passphrase: { perAddress: { count: 5, windowMs: 15 * MINUTE }, perSubject: { count: 50, windowMs: HOUR } },
  signIn: { perAddress: { count: 5, windowMs: 15 * MINUTE }, perSubject: { count: 50, windowMs: HOUR } },
  /** Failures of one client across all accounts, such as failed sign-ins and invalid codes. */
  acrossAccounts: { count: 30, windowMs: 15 * MINUTE },
} as const;

/**
 * Error keys per workspace, origins per key, and the burst and sustained rate of envelopes per key (per second on each
 * node).
 */
export const ERROR_KEY_LIMITS = { perWorkspace: 100, origins: 50, burst: 1_000, perSecond: 100 } as const;

/** Webhooks per workspace, characters of a URL, and finished deliveries that are kept per webhook. */
export const WEBHOOK_LIMITS = { perWorkspace: 20, url: 2048, deliveries: 1_000 } as const;

/** Notices and waiting emails per workspace, addresses shown per notice, and days for which a notice can be snoozed. */
export const NOTICE_LIMITS = { perWorkspace: 1_000, waitingMails: 1_000, addresses: 5, snoozeDays: 366 } as const;

/** Restrictions of a credential: entries per list, and the ranges of a rate and of the number of uses. */
export const RESTRICTION_LIMITS = {
  entries: 64,
  rateRequests: { min: 1, max: 1_000_000 },
  rateSeconds: { min: 1, max: 86_400 },
  maxUses: { min: 1, max: 1_000_000_000 },
} as const;

/** Maximum sizes of one report by a guard. */
export const GUARD_REPORT_LIMITS = {
  usesPerCredential: 10_000_000,
  credentials: 500,
  addressesPerCredential: 20,
  rightsPerCredential: Math.max(SCOPES.length, PERMISSIONS.length),
} as const;

/**
 * Rate limit per client for well-formed secrets that do not exist: the burst, the sustained rate per second, and the
 * number of clients that the limiter tracks.
 */
export const UNKNOWN_SECRET_LIMITS = { burst: 5_000, perSecond: 500, maxClients: 50_000 } as const;

/** Prefixes of secrets of other systems: their number per workspace and their lengths. */
export const FOREIGN_PREFIX_LIMITS = { perWorkspace: 20, length: { min: 3, max: 24 } } as const;
/** Secrets of other systems: 20 characters after the prefix carry at least 112 random bits in base 62 (ASVS 6.5.2). */
export const FOREIGN_SECRET_LIMITS = { tail: { min: 20 }, length: { max: 512 } } as const;
/** Credentials per import request, so that its transaction delays other writes to SQLite by less than a second. */
export const IMPORT_LIMITS = { credentials: 500 } as const;

/** Group mappings of a workspace: characters of the claim and of a value, and number of values. */
export const SSO_LIMITS = { claim: { max: 128 }, value: { max: 255 }, values: { max: 50 } } as const;

/** Bounds of a workspace's policy. */
export const POLICY_LIMITS = {
  maxLifetimeDays: { min: 1, max: 3_650 },
  unusedAfterDays: { min: 1, max: 3_650 },
  /** Minimum number of days before a maximum lifetime applies to existing credentials. */
  noticeDays: 7,
} as const;

/**
 * When a credential needs a review, in days. Its rights are compared with the rights that it used in the last
 * `usedWithin` days, if the credential has existed and its uses were counted for at least that long. A decision to keep
 * it is valid for `kept` days.
 */
export const REVIEW_DAYS = { neverUsedAfter: 7, usedWithin: 30, expiresWithin: 30, kept: 90 } as const;
/** Maximum characters of a note on a decision, and maximum rows of a CSV file. */
export const REVIEW_LIMITS = { note: 500, csvRows: 100_000 } as const;

/**
 * Reports of leaked secrets: secrets per request, maximum characters stored per field, and unsigned requests per client
 * address (burst and sustained rate per second).
 */
export const LEAK_LIMITS = {
  reports: 100,
  url: 2048,
  field: 255,
  requests: { burst: 60, perSecond: 1, maxClients: 50_000 },
} as const;

/**
 * Limits of push to deploy. A path that is too long counts as selected. If a push changes too many paths, it counts as
 * changing a selected path.
 */
export const PUSH_LIMITS = {
  bodyBytes: 2 * 1024 * 1024,
  json: { depth: 20, values: 100_000 },
  /** Patterns of branches and patterns of paths, each per app. */
  patterns: 20,
  /** Characters of a pattern. */
  pattern: 255,
  /** Characters of a path or branch. */
  path: 1_024,
  /** Changed paths of a push. */
  paths: 3_000,
  /**
   * Maximum cost of the comparison of all patterns with all paths; the cost of one comparison is the product of the two
   * lengths. Beyond it, the remaining paths count as selected without a comparison.
   */
  matchingCost: 100_000_000,
  /** Apps of different workspaces with the same slug whose push secrets are tried for one signature. */
  candidates: 20,
} as const;

/** Limits of resources. Lengths are in characters, and timeouts in seconds. */
export const RESOURCE_LIMITS = {
  repositoryUser: 255,
  repositoryPassword: 4096,
  slug: 63,
  host: 253,
  command: 8192,
  url: 2048,
  branch: 255,
  directory: 1024,
  hooks: 50,
  keepReleases: { min: 1, max: 100 },
  hookTimeout: { min: 1, max: 86_400 },
  hookRetries: { min: 0, max: 5 },
  healthTimeout: { min: 1, max: 3_600 },
  envName: 255,
  /** Bytes of a variable's value in UTF-8. */
  envValueBytes: 65_536,
  envVariables: 1000,
  /** Versions of an environment that are kept. Older versions are deleted and cannot be restored. */
  envVersions: 200,
  envBodyBytes: 8 * 1_048_576,
  /**
   * Bytes of an app's variables, including the variables of its project. With the default stack limit of 8 MiB, Linux
   * passes at most 2 MiB to a program. 128 KiB of them are left for other variables and the arguments.
   */
  envTotalBytes: 2 * 1_048_576 - 131_072,
  /** Bytes that the kernel counts per variable in addition to its name and value: `=`, NUL and a pointer. */
  envVariableOverhead: 10,
  requiredVariables: 100,
  activityBatch: 1000,
  activityBodyBytes: 8 * 1_048_576,
  /** Bytes of one event's data as JSON. */
  activityDataBytes: 65_536,
  /** Characters of an event's ID, source, type or subject, or of the value of another attribute. */
  activityFieldLength: 512,
  /** An event's other attributes: `datacontenttype`, `dataschema` and extension attributes. */
  activityOtherAttributes: 64,
  /** Characters of the name of such an attribute. */
  activityAttributeName: 64,
  /** Maximum number of points of a chart, over all its series. */
  activityPoints: 20_000,
  /** Maximum events in one CSV file. */
  activityCsv: 100_000,
  /** Range of the maximum number of series of a chart; charts of more intervals have fewer series. */
  activitySeries: { min: 10, max: 100 },
  errorType: 255,
  errorMessage: 8192,
  errorStack: 65_536,
  errorFieldLength: 255,
  errorFingerprint: 16,
  /** Bytes of an envelope before and after decompression. */
  errorEnvelopeBytes: 20 * 1_048_576,
  errorEnvelopeUnpackedBytes: 40 * 1_048_576,
  /** Maximum bytes of all events of an envelope; attachments are skipped. */
  errorEnvelopeEventBytes: 8 * 1_048_576,
  /** Bytes of the body of a request to `/store/` before decompression. */
  errorStoreBytes: 2 * 1_048_576,
  /** Maximum bytes of one event in an envelope. */
  errorEventBytes: 1_048_576,
  /** Bytes of a source map before and after decompression. It is stored compressed. */
  sourceMapBytes: 10 * 1_048_576,
  sourceMapUnpackedBytes: 40 * 1_048_576,
  /**
   * Source maps per workspace and their stored bytes. Beyond either limit, the oldest source maps of the apps with the
   * most are deleted.
   */
  sourceMaps: 1_000,
  sourceMapTotalBytes: 256 * 1_048_576,
  errorFrames: 50,
  errorBreadcrumbs: 50,
  errorTags: 50,
  /** Occurrences stored per issue in total (the newest) and per minute. All occurrences are counted. */
  errorEvents: 100,
  errorEventsPerMinute: 10,
  errorIssues: 10_000,
  /** Servers per deployment. */
  deploymentServers: 50,
  pauseSeconds: 3600,
  /** Maximum number of days for which a deployment can be scheduled in advance. */
  scheduleDays: 366,
  /** Releases, environments and apps stored per issue. */
  errorFacets: 50,
  scriptDescription: 500,
  scriptBody: 131_072,
  interpreter: 255,
  scriptTimeout: { min: 1, max: 3_600 },
  parameters: 50,
  parameterName: 64,
  parameterValue: 8192,
  pattern: 500,
  schedule: 100,
  /** Versions of a script that are kept. Older versions are deleted. */
  scriptVersions: 200,
  /** Range of the number of finished runs that are kept per script. */
  keepRuns: { min: 1, max: 1000 },
  /** Number of next scheduled runs that are shown. */
  nextRuns: 5,
  /** Ranges of an app's retention: number of backups to keep, and number of days to keep a backup. */
  keepBackups: { min: 1, max: 1000 },
  keepBackupDays: { min: 1, max: 3650 },
  /** Backup keys per workspace: the current key, and earlier keys with which stored backups are encrypted. */
  backupKeys: 100,
} as const;
