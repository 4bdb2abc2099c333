// The phone's battery, where the browser tells of it (Chromium does, others do not).

import type { Battery } from '../core/pace.ts'

interface Manager extends EventTarget, Battery {}

/** Calls with what the battery says, now and whenever it changes; null where nobody says. */
export function watchBattery(tell: (battery: Battery | null) => void): void {
  const asked = (navigator as Navigator & { getBattery?: () => Promise<Manager> }).getBattery?.()
  if (!asked) return tell(null)
  asked.then(
    (manager) => {
      const say = (): void => tell({ level: manager.level, charging: manager.charging })
      manager.addEventListener('levelchange', say)
      manager.addEventListener('chargingchange', say)
      say()
    },
    () => tell(null),
  )
}
