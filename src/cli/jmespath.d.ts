/** The package has no types of its own. */
declare module 'jmespath' {
  const jmespath: {
    /** Throws if the expression is malformed. */
    compile(expression: string): unknown;
    search(data: unknown, expression: string): unknown;
  };
  export default jmespath;
}
