/** Characters that reorder the text around them and can make names look alike (Unicode TR 36, section 2.5). */
const BIDIRECTIONAL_CONTROLS = /[\u202a-\u202e\u2066-\u2069]/;
/** White space, combining marks, characters without a glyph, and the blank Braille pattern. */
const INVISIBLE = /[\p{White_Space}\p{Default_Ignorable_Code_Point}\p{C}\p{M}\u2800]/gu;

/** Returns whether a text contains characters that change the direction of the text around them. Pure. */
export const hasBidirectionalControls = (text: string): boolean => BIDIRECTIONAL_CONTROLS.test(text);

/** Returns whether a text contains a visible character, not only spaces, marks and characters without a glyph. Pure. */
export const hasVisibleCharacter = (text: string): boolean => text.replace(INVISIBLE, '') !== '';
