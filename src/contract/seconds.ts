/** Formats a whole number of seconds for a message: "1 second", "600 seconds". */
export const formatSeconds = (seconds: number): string => `${seconds} ${seconds === 1 ? 'second' : 'seconds'}`;
