const FILE_KEY = /^files\/[0-9a-f]{2}\/([0-9a-f-]{36})\/(?:original|thumbnail|stripped|scans)$/
const STAGING_KEY = /^uploads\/([0-9a-f-]{36})$/

/** The prefixes below which every object of the product lives. */
export const OBJECT_PREFIXES = ['files/', 'uploads/'] as const

/** The objects of a file. Ids are UUID v7: their tail is random, so it spreads the folders of a disk evenly. */
export const objectKeys = (fileId: string) => {
  const folder = `files/${fileId.slice(-2)}/${fileId}`
  return {
    original: `${folder}/original`,
    /** A small WebP of an image. */
    thumbnail: `${folder}/thumbnail`,
    /** An image without its metadata, bounded in size: what models see. */
    stripped: `${folder}/stripped`,
    /** Pages without text, one JPEG after the other. */
    scans: `${folder}/scans`,
    /** Where a direct upload arrives. Its address stays valid for a while, so the object is moved before it is read. */
    staging: `uploads/${fileId}`,
  }
}

/** The file that an object belongs to; undefined when the key is not one of ours. */
export const fileIdOfKey = (key: string): string | undefined => (FILE_KEY.exec(key) ?? STAGING_KEY.exec(key))?.[1]
