/** Something that a process needs cannot be had; the message says what to do about it. */
export class SetupError extends Error {
  override name = 'SetupError'
}

/** The end of a message about a folder that cannot be used. */
export const FOLDER_REMEDY = 'Set DATA_DIR to a folder that this user owns, or DATABASE_URL to a PostgreSQL server.'

/** Another process of ours holds the data folder. */
export class FolderBusy extends SetupError {
  override name = 'FolderBusy'
}
