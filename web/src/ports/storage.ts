// How much room this page has on the phone, and whether the browser promised to keep what is in it.

export interface Room {
  /** Null where the browser does not tell. */
  used_bytes: number | null
  quota_bytes: number | null
  /** Whether the browser will not clear it by itself when space runs short. */
  persisted: boolean
}

export async function room(): Promise<Room> {
  const storage = (globalThis.navigator as Navigator | undefined)?.storage
  const [estimate, persisted] = await Promise.all([
    storage?.estimate?.().catch(() => null) ?? null,
    storage?.persisted?.().catch(() => false) ?? false,
  ])
  return { used_bytes: estimate?.usage ?? null, quota_bytes: estimate?.quota ?? null, persisted }
}

/** Asks the browser not to clear our storage when space runs short; whether it promised. */
export async function askToKeep(): Promise<boolean> {
  try {
    return (await navigator.storage?.persist?.()) ?? false
  } catch {
    // A wish; the outbox works without it.
    return false
  }
}
