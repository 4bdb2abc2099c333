// Sending one step of a case: the same command id until an answer came, so that a repeat is harmless.

import { ref } from 'vue'
import type { Problem } from '../api/types.ts'
import { localProblem } from '../core/problem.ts'
import { ApiProblem } from '../ports/http.ts'
import { ensure } from './session.ts'

/** Runs work with a busy flag and the refusal it may end in. */
export function useCommand() {
  const busy = ref(false)
  const problem = ref<Problem | null>(null)

  async function run<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (busy.value) return undefined
    busy.value = true
    problem.value = null
    try {
      await ensure()
      return await work()
    } catch (fault) {
      problem.value =
        fault instanceof ApiProblem ? fault.problem : localProblem('unavailable', 0, String(fault))
      return undefined
    } finally {
      busy.value = false
    }
  }

  return { busy, problem, run }
}
