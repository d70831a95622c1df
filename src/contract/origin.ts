/** Returns whether a text is the origin of a page as browsers send it, such as `https://shop.example.com`. Pure. */
export const isOrigin = (text: string): boolean =>
  /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text;

export const ORIGIN_MESSAGE = 'must be an origin such as https://shop.example.com, without a path';
