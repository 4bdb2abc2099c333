// How far the street reaches: from the server, and without a network as this person last saw it.

import type { Extent } from '../../api/types.ts'
import { call } from '../../ports/http.ts'
import { lastSeen, remember } from '../../ports/packstore.ts'
import { session } from '../../ui/session.ts'

/** Null where it was never seen. */
export async function extentOf(): Promise<Extent | null> {
  const me = session.me?.id ?? ''
  const fresh = await call<Extent>('/extent').catch(() => null)
  if (fresh) void remember(me, 'extent', fresh)
  return fresh ?? (await lastSeen<Extent>(me, 'extent'))?.value ?? null
}
