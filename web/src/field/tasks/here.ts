// Where the phone is, for distances and the walking order: taken when somebody asks for it, shared by the
// screens for some minutes, and stored nowhere.

import { reactive, readonly } from 'vue'
import { locate } from '../../ports/position.ts'
import type { Fix, NoFix } from '../../ports/position.ts'

const FRESH_MS = 120_000

interface Here {
  fix: Fix | null
  at_ms: number
  fault: NoFix | null
  taking: boolean
}

const current = reactive<Here>({ fix: null, at_ms: 0, fault: null, taking: false })
export const here = readonly(current) as Readonly<Here>

/** A position that is a few minutes old at most, or taken now; null where the phone has none. */
export async function whereAmI(fresh = false): Promise<Fix | null> {
  if (!fresh && current.fix && Date.now() - current.at_ms < FRESH_MS) return current.fix
  current.taking = true
  current.fault = null
  try {
    const fix = await locate()
    Object.assign(current, { fix, at_ms: Date.now() })
    return fix
  } catch (why) {
    Object.assign(current, { fix: null, fault: why as NoFix })
    return null
  } finally {
    current.taking = false
  }
}
