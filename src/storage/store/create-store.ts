import { join } from 'node:path'
import { LocalStore } from './local-store.ts'
import type { Store } from './store.ts'

/** The part of the environment that chooses the store; `Env` has all of it. */
export interface StoreSettings {
  STORAGE_PROVIDER: 'local' | 's3' | 'r2'
  DATA_DIR: string
  S3_BUCKET?: string
  AWS_REGION?: string
  AWS_ACCESS_KEY_ID?: string
  AWS_SECRET_ACCESS_KEY?: string
  AWS_ENDPOINT_URL_S3?: string
  R2_ACCOUNT_ID?: string
  R2_ACCESS_KEY_ID?: string
  R2_SECRET_ACCESS_KEY?: string
  R2_BUCKET?: string
}

const required = (value: string | undefined, name: string): string => {
  if (!value) throw new Error(`${name} is required for this STORAGE_PROVIDER`)
  return value
}

/** The store that the environment asks for. The SDK of S3 is loaded for a bucket alone. */
export async function createStore(env: StoreSettings): Promise<Store> {
  if (env.STORAGE_PROVIDER === 'local') return new LocalStore(join(env.DATA_DIR, 'files'))
  const { S3Store } = await import('./s3-store.ts')
  switch (env.STORAGE_PROVIDER) {
    case 's3':
      return new S3Store({
        bucket: required(env.S3_BUCKET, 'S3_BUCKET'),
        region: required(env.AWS_REGION, 'AWS_REGION'),
        endpoint: env.AWS_ENDPOINT_URL_S3,
        accessKeyId: env.AWS_ACCESS_KEY_ID,
        secretAccessKey: env.AWS_SECRET_ACCESS_KEY,
        forcePathStyle: env.AWS_ENDPOINT_URL_S3 !== undefined,
      })
    case 'r2':
      return new S3Store({
        bucket: required(env.R2_BUCKET, 'R2_BUCKET'),
        // R2 has one region, of this name.
        region: 'auto',
        endpoint: `https://${required(env.R2_ACCOUNT_ID, 'R2_ACCOUNT_ID')}.r2.cloudflarestorage.com`,
        accessKeyId: required(env.R2_ACCESS_KEY_ID, 'R2_ACCESS_KEY_ID'),
        secretAccessKey: required(env.R2_SECRET_ACCESS_KEY, 'R2_SECRET_ACCESS_KEY'),
        forcePathStyle: true,
      })
  }
}
