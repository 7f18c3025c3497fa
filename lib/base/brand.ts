/** A type that only its own constructor can make: the same value underneath, another meaning. */
declare const brand: unique symbol
export type Brand<T, Name extends string> = T & { readonly [brand]: Name }
