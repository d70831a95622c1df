/** Escapes the wildcards in a text, so that `like … escape '\'` compares the text literally. */
export const escapeLikePattern = (text: string): string => text.replace(/[\\%_]/g, '\\$&');
