/** Splits a stream of text chunks into lines and skips empty lines. The last line does not need a line break. */
export function createLineSplitter(): TransformStream<string, string> {
  let incompleteLine = '';
  return new TransformStream({
    transform(chunk, controller) {
      const lines = (incompleteLine + chunk).split('\n');
      incompleteLine = lines.pop() ?? '';
      for (const line of lines) if (line !== '') controller.enqueue(line);
    },
    flush(controller) {
      if (incompleteLine !== '') controller.enqueue(incompleteLine);
    },
  });
}
