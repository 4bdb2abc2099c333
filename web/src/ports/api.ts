// The API by the addresses and shapes of its own document: a path that does not exist, a body that the
// server would refuse and an answer that is read wrongly do not compile. Sending is http.ts's.

import type { components, paths } from '../api/schema.gen.ts'
import { call, query } from './http.ts'
import type { Call } from './http.ts'

type Verb = 'get' | 'post' | 'put' | 'delete'
type Short<P> = P extends `/api/v1${infer Rest}` ? Rest : never

/** Addresses below /api/v1 that know a verb. */
export type PathOf<V extends Verb> = {
  [P in keyof paths]: paths[P] extends Record<V, infer O> ? (O extends object ? Short<P> : never) : never
}[keyof paths]

type Operation<P extends string, V extends Verb> = `/api/v1${P}` extends keyof paths
  ? paths[`/api/v1${P}`] extends Record<V, infer O> ? O : never
  : never

type Parameters<O, K extends 'path' | 'query'> = O extends { parameters: Record<K, infer T> } ? NonNullable<T> : object
type Body<O> = O extends { requestBody: { content: { 'application/json': infer B } } } ? B : undefined
type Ok<O> = O extends { responses: infer R }
  ? { [S in keyof R & (200 | 201 | 202)]: R[S] extends { content: { 'application/json': infer A } } ? A : undefined }[keyof R & (200 | 201 | 202)]
  : never

export type Answer<P extends string, V extends Verb = 'get'> = Ok<Operation<P, V>>

type InPath<O> = [keyof Parameters<O, 'path'>] extends [never] ? object : { path: Parameters<O, 'path'> }
type InBody<O> = Body<O> extends undefined ? object : { json: Body<O> }
type Given<P extends string, V extends Verb> =
  InPath<Operation<P, V>> & InBody<Operation<P, V>> & { query?: Parameters<Operation<P, V>, 'query'> }

interface Loose {
  path?: Record<string, string>
  query?: Record<string, string | number | boolean | null | undefined>
  json?: unknown
}

function ask<T>(verb: Verb, address: string, given: Loose): Promise<T> {
  const filled = address.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(given.path?.[name] ?? ''))
  const options: Call = { method: verb.toUpperCase() as 'GET' | 'POST' | 'PUT' | 'DELETE' }
  if (given.json !== undefined) options.json = given.json
  return call<T>(filled + query(given.query ?? {}), options)
}

type Words<P extends string, V extends Verb> =
  object extends Given<P, V> ? [given?: Given<P, V>] : [given: Given<P, V>]

export const get = <P extends PathOf<'get'>>(path: P, ...[given]: Words<P, 'get'>): Promise<Answer<P, 'get'>> =>
  ask('get', path, (given ?? {}) as Loose)

export const post = <P extends PathOf<'post'>>(path: P, ...[given]: Words<P, 'post'>): Promise<Answer<P, 'post'>> =>
  ask('post', path, (given ?? {}) as Loose)

export type Schemas = components['schemas']
