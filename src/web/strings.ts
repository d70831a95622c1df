export const strings = {
  api: {
    unexpectedError: 'An unexpected error occurred. Reload the page and try again.',
    item: (position: number) => `item ${position}`,
  },
  router: {
    pageNotFoundTitle: 'Page not found',
    pageNotFoundDescription: 'The URL may be mistyped, or the page may have moved.',
    pageNotFoundLink: 'Go to the start page',
    loading: 'Loading',
  },
  theme: {
    close: 'Close',
    dismiss: 'Dismiss',
  },
  validation: {
    nameInvisible: 'Enter a name with visible characters',
    nameDirection: 'A name cannot contain characters that change the direction of text',
    passphraseSpaces: 'A passphrase cannot begin or end with a space',
    nameMissing: 'Enter your name',
    emailInvalid: 'Enter a valid email address',
    descriptionTooLong: (max: number) => `A description must be at most ${max} characters`,
    slugInvalid: 'Must be 1–63 characters: a–z, 0–9 and hyphens, not starting or ending with a hyphen',
    integerOutOfRange: (min: number, max: number) => `Must be a whole number from ${min} to ${max}`,
    nameLength: (min: number, max: number) => `A name must be ${min} to ${max} characters`,
    passwordLength: (min: number, max: number) => `A password must be ${min} to ${max} characters`,
    passphraseLength: (min: number, max: number) => `A passphrase must be ${min} to ${max} characters`,
  },
};
