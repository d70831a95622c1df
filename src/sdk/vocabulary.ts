/**
 * The entry point `@devpilot/sdk/vocabulary`: scopes, permissions, statuses, limits and error codes of the contract.
 */
export * from '../contract/error-codes.ts';
export * from '../contract/event-names.ts';
export * from '../contract/limits.ts';
export * from '../contract/platform-vocabulary.ts';
export * from '../contract/vocabulary.ts';
