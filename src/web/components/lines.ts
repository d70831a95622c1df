/** Cuts a stream of text into its lines, whatever pieces it comes in; a last line needs no end. */
export function lineStream(): TransformStream<string, string> {
  let rest = '';
  return new TransformStream({
    transform(piece, controller) {
      const lines = (rest + piece).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') controller.enqueue(line);
    },
    flush(controller) {
      if (rest !== '') controller.enqueue(rest);
    },
  });
}
