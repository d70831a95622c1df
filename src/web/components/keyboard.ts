/** Whether the user's device is from Apple, where shortcuts use Command instead of Ctrl. */
export const IS_APPLE = /^(?:Mac|iP)/.test(navigator.platform);
