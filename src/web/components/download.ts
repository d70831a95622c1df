/** The first character of a CSV file. Without it, spreadsheet programs do not read the file as UTF-8. */
export const BYTE_ORDER_MARK = '\uFEFF';

/** Downloads a file that was created by the page. */
export function download(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser starts to read the URL only after the click.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
