// The shape of a group of texts in another language: the same keys, any words.

export type Texts<T> = { [K in keyof T]: T[K] extends string ? string : Texts<T[K]> }
