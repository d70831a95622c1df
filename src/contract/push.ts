/** Schemas of push to deploy. Runs in browsers and on the server. */
import { z } from 'zod';
import { PUSH_LIMITS } from './limits.ts';

const pattern = (noun: string, example: string) =>
  z
    .string()
    .min(1)
    .max(PUSH_LIMITS.pattern, `must be at most ${PUSH_LIMITS.pattern} characters`)
    .regex(
      /^[^\0-\x1f\x7f\s\\]+$/,
      `must be ${noun} without spaces, control characters and backslashes; * matches any characters except /, ** matches any characters`,
    )
    .meta({ examples: [example] });
const patterns = (noun: string, example: string) =>
  z
    .array(pattern(noun, example))
    .max(PUSH_LIMITS.patterns, `must contain at most ${PUSH_LIMITS.patterns} patterns`)
    .default([]);

/** Which pushes to a repository deploy an app. */
export const pushSettings = z
  .strictObject({
    branches: patterns('a branch', 'release/*').describe(
      "Branches whose pushes are deployed; if empty, only the app's branch",
    ),
    paths: patterns('a path', 'services/shop/**').describe(
      'If not empty, a push is deployed only if it changes one of these paths, or if the Git host lists only some of its commits',
    ),
  })
  .nullable();
export type PushSettings = z.infer<typeof pushSettings>;
export const pushSettingsOutput = z.object({ branches: z.array(z.string()), paths: z.array(z.string()) }).nullable();

export const PushSecret = z
  .object({ secret: z.string().meta({ examples: ['… (shown once)'] }) })
  .meta({ id: 'PushSecret' });
export type PushSecret = z.infer<typeof PushSecret>;

/** Why a push does not deploy an app. */
export const PUSH_IGNORE_REASONS = [
  'not_a_push',
  'branch_deleted',
  'branch_not_selected',
  'paths_not_selected',
  'skipped_by_message',
  'already_delivered',
] as const;
export type PushIgnoreReason = (typeof PUSH_IGNORE_REASONS)[number];
export const PushIgnored = z
  .object({ deployment: z.null(), reason: z.enum(PUSH_IGNORE_REASONS) })
  .meta({ id: 'PushIgnored' });
export type PushIgnored = z.infer<typeof PushIgnored>;
