import type { ReactNode } from 'react';
import { plural } from './plural.ts';
import { phrase, sentence } from './sentence.ts';

export const strings = {
  codeBlock: {
    copyLabel: 'Copy',
  },
  columns: {
    name: 'Name',
    created: 'Created',
    updated: 'Updated',
  },
  conditionalEdit: {
    empty: 'empty',
    save: 'Save',
    saveAgain: 'Save again',
    changedByOther: 'Someone else changed this while you were editing. Your changes have not been saved.',
    savingKeepsTheirChanges: "Saving again keeps their changes to fields you didn't edit.",
    discardMyChanges: 'Discard my changes',
  },
  confirmDialog: {
    cancel: 'Cancel',
  },
  confirmationInput: {
    prompt: (text: ReactNode) => sentence`Type ${text} to confirm`,
  },
  copyButton: {
    copy: 'Copy',
    pressToCopy: 'Press Ctrl+C to copy',
    pressToCopyApple: 'Press ⌘C to copy',
    failed: 'Could not copy',
    copied: 'Copied',
  },
  dataTable: {
    selectPage: 'Select all on this page',
    actions: 'Actions',
    selectRow: (name: string) => phrase`Select ${name}`,
    rowsOnPage: (count: number) => `${count} on this page`,
    previous: 'Previous',
    firstPage: 'First page',
    next: 'Next',
  },
  deleteResourceDialog: {
    title: (noun: string) => `Delete ${noun}`,
    confirmLabel: 'Delete',
    deleted: (noun: string, name: string) => phrase`${noun} ${name} deleted`,
    aboutToDelete: (noun: string, name: ReactNode) => sentence`You are about to delete the ${noun} ${name}.`,
  },
  descriptionList: {
    slug: 'Slug',
    created: 'Created',
    updated: 'Updated',
    id: 'ID',
  },
  editDeleteButtons: {
    edit: 'Edit',
    delete: 'Delete',
  },
  errorMessage: {
    sessionEnded: (signInLink: ReactNode) =>
      sentence`Your session has ended. ${signInLink} in a new tab, then return to this page and try again. Your input is not lost.`,
    signInAgain: 'Sign in again',
    secondFactorNeeded: (accountLink: ReactNode) =>
      sentence`This workspace now requires two-factor authentication. ${accountLink} in a new tab, then return to this page and try again. Your input is not lost.`,
    turnOnTwoFactor: 'Turn it on',
  },
  exportMenu: {
    export: 'Export',
  },
  fields: {
    name: 'Name',
    descriptionLabel: 'Description (optional)',
    charactersUsed: (count: number, max: number) => `${count} of ${max} characters`,
  },
  filters: {
    searchPlaceholder: 'Search by name',
    clearFilters: 'Clear filters',
  },
  form: {
    cancel: 'Cancel',
  },
  format: {
    inLessThanAMinute: 'in less than a minute',
    justNow: 'just now',
  },
  jobStatus: {
    statusLabels: {
      pending: 'Pending',
      processing: 'Running',
      completed: 'Completed',
      failed: 'Failed',
      cancelled: 'Cancelled',
    },
  },
  listBody: {
    noResultsTitle: 'No results',
    noResultsHint: 'No results match your search and filters.',
  },
  liveLog: {
    title: 'Log',
    followLog: 'Follow log',
    download: 'Download',
    followingFailed: (error: string) => `Could not follow the log: ${error}`,
    noOutput: 'No output.',
    lineCount: (count: number, live: boolean) =>
      `${count.toLocaleString('en')} ${plural(count, { one: 'line', other: 'lines' })}${live ? ', live' : ''}`,
    shownLines: (lineCount: string, first: number, last: number) =>
      `${lineCount}; showing ${first.toLocaleString('en')} to ${last.toLocaleString('en')}`,
    earlier: 'Show earlier lines',
    later: 'Show later lines',
    asText: 'As text',
    asNdjson: 'As NDJSON',
  },
  logSearch: {
    label: 'Search the log',
    placeholder: 'Search',
    previous: 'Previous match (Shift+Enter)',
    next: 'Next match (Enter)',
    matches: (selected: number | null, count: number, max: number) => {
      if (count === 0) return 'No matches';
      const total = `${count.toLocaleString('en')}${count >= max ? '+' : ''}`;
      return selected === null
        ? `${total} ${plural(count, { one: 'match', other: 'matches' })}`
        : `${(selected + 1).toLocaleString('en')} of ${total}`;
    },
  },
  navigationBlocker: {
    title: 'Leave without saving?',
    consequence: 'Your unsaved changes will be lost.',
    confirmLabel: 'Leave',
    secretTitle: 'Leave this page?',
    shownOnlyOnce: (secret: string) =>
      `This is the only time ${secret} can be shown. Leave only if you have stored a copy elsewhere.`,
  },
  page: {
    documentTitle: (title: string) => phrase`${title} · Devpilot`,
  },
  resourceDialogs: {
    created: (noun: string, name: string) => phrase`${noun} ${name} created`,
    newTitle: (noun: string) => `New ${noun}`,
    createLabel: (noun: string) => `Create ${noun}`,
    saved: (noun: string, name: string) => phrase`${noun} ${name} saved`,
    editTitle: (name: string) => phrase`Edit ${name}`,
  },
  resourceListPage: {
    newResource: (noun: string) => `New ${noun}`,
    searchByName: (nouns: string) => `Search ${nouns} by name`,
    anyOption: (name: string) => phrase`Any ${name}`,
    emptyTitle: (nouns: string) => `No ${nouns} yet`,
    askToCreate: (nouns: string) => `An owner or admin of this workspace can create ${nouns}.`,
  },
  resourcePage: {
    notFoundTitle: (noun: string) => `${noun} not found`,
    doesNotExistTitle: (noun: string) => `This ${noun} does not exist`,
    doesNotExistHint: 'It was deleted or belongs to another workspace.',
    listTitle: (noun: string) => `${noun}s`,
  },
  rowMenu: {
    edit: 'Edit…',
    delete: 'Delete…',
    actionsFor: (name: string) => phrase`Actions for ${name}`,
  },
  slugField: {
    label: 'Slug (optional)',
    description: (noun: string) =>
      `Identifies the ${noun} in URLs, the CLI and the API. It does not change when you rename the ${noun}.`,
    placeholder: 'Generated from the name',
  },
  states: {
    unreachableTitle: "Can't reach the server",
    loadingFailedTitle: "Couldn't load the data",
    tryAgain: 'Try again',
    requestId: (id: ReactNode) => sentence`Request ID ${id}`,
    noPermissionTitle: "You don't have access to this page",
    noPermissionHint: 'Only owners and admins of this workspace can view it. If you need access, ask one of them.',
    loading: 'Loading',
  },
  timeRangeFields: {
    from: 'From',
    toExclusive: 'To (exclusive)',
  },
  undo: {
    undo: 'Undo (Ctrl+Z)',
  },
  versionsSection: {
    title: 'Versions',
    none: 'No versions yet.',
    older: 'Load older versions',
    restoreTitle: (version: number) => `Restore version ${version}`,
    restore: 'Restore',
  },
  deleteResultTag: {
    deleted: 'Deleted',
  },
  dateField: {
    withDateInWords: (date: string, description: string) => `${date}. ${description}`,
    placeholder: '24 Feb 2027',
    openCalendar: 'Open calendar',
    calendar: 'Calendar',
    previousMonth: 'Previous month',
    nextMonth: 'Next month',
  },
  discardConfirmation: {
    title: 'Discard your input?',
    confirmLabel: 'Discard',
    cancelLabel: 'Keep editing',
    consequences: 'The form has not been submitted. Your input will be lost.',
  },
  typedDate: {
    notADate: 'This is not a date. Enter one such as 24 Feb 2027 or 2027-02-24.',
    noYear: 'Enter the year with four digits, as in 24 Feb 2027.',
    noSuchDate: (day: number, month: string, year: number) => `There is no ${day} ${month} ${year}.`,
    noSuchDay: (day: number, month: string) => `There is no ${day} ${month}.`,
    ambiguous: (firstDay: number, firstMonth: string, secondDay: number, secondMonth: string) =>
      `This could be ${firstDay} ${firstMonth} or ${secondDay} ${secondMonth}. Enter the month as a word, as in 24 Feb 2027.`,
    chooseADate: 'Choose a date',
  },
};
