/** The format of a webhook's messages: Standard Webhooks, or the format of a chat service. */
export function webhookFormat(): string[] {
  return ["alter table webhook add column format text not null default 'standard'"];
}
