/** The body of a webhook's messages: that of Standard Webhooks, or that which a chat displays. */
export function webhookFormat(): string[] {
  return ["alter table webhook add column format text not null default 'standard'"];
}
