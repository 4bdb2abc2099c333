// Keeps the screen on while somebody asks for it: a browser that sleeps gives no positions.

export const canStayAwake = (): boolean => 'wakeLock' in navigator

let wanted = false
let held: WakeLockSentinel | null = null

/** The browser lets go of it whenever the page is hidden; so it is asked again when the page is back. */
async function hold(): Promise<void> {
  if (!wanted || held || document.visibilityState !== 'visible') return
  try {
    const got = await navigator.wakeLock.request('screen')
    got.addEventListener('release', () => (held = null))
    held = got
    if (!wanted) void got.release()
  } catch {
    // Refused when the battery is nearly empty: then the screen goes dark as always.
  }
}

export function stayAwake(on: boolean): void {
  wanted = on
  if (on) void hold()
  else void held?.release()
}

if (typeof document !== 'undefined') document.addEventListener('visibilitychange', () => void hold())
