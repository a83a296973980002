/** Whatever of a text does not look like what it is: also signs without a width, letters without a look, marks of direction, and what terminals obey. */
const ODD =
  /[\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e01ef}]/gu

/** The same JSON, in which nobody is shown something else than it says: who decides on a call goes by what stands there. */
export const plainJson = (json: string): string =>
  json.replace(ODD, (sign) =>
    Array.from({ length: sign.length }, (_, at) => `\\u${sign.charCodeAt(at).toString(16).padStart(4, '0')}`).join(''),
  )
