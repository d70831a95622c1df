/** Crockford's Base32 alphabet, in lower case. */
const CROCKFORD = '0123456789abcdefghjkmnpqrstvwxyz';

export const ID_PREFIXES = {
  access_token: 'tok_',
  api_key: 'key_',
  audit_event: 'evt_',
  person: 'per_',
  session: 'ses_',
  passkey: 'psk_',
  identity: 'idn_',
  workspace: 'wsp_',
  member: 'mem_',
  invitation: 'inv_',
  device: 'dev_',
  node: 'nod_',
  project: 'prj_',
  app: 'app_',
  server: 'srv_',
  error_issue: 'iss_',
  error_event: 'err_',
  error_key: 'erk_',
  source_map: 'smp_',
  job: 'job_',
  deployment: 'dpl_',
  script: 'scr_',
  run: 'run_',
  backup: 'bak_',
  restore: 'res_',
  backup_key: 'bky_',
  webhook: 'whk_',
  webhook_delivery: 'whd_',
  webhook_message: 'msg_',
  notice: 'ntc_',
  workload_identity: 'wid_',
  workload_exchange: 'wex_',
} as const;
export type IdKind = keyof typeof ID_PREFIXES;

/**
 * Returns a new ID: the prefix of its kind, 10 characters of time and 16 random characters. This is the layout of a
 * ULID in lower case, so IDs sort by the millisecond of their creation. `now` is in epoch milliseconds.
 */
export function createId(kind: IdKind, now: number = Date.now()): string {
  let time = '';
  for (let quotient = now, digit = 0; digit < 10; digit++) {
    time = CROCKFORD[quotient % 32] + time;
    quotient = Math.floor(quotient / 32);
  }
  let random = '';
  for (const byte of crypto.getRandomValues(new Uint8Array(16))) random += CROCKFORD[byte & 31];
  return ID_PREFIXES[kind] + time + random;
}
