/** What of the environment counts. */
export type Environment = { readonly [name: string]: string | undefined }
