// @vitest-environment happy-dom
import { createApp, h } from 'vue'
import { expect, test } from 'vitest'
import type { CaseDetail, SightingOfCase } from '../../src/api/types.ts'
import ReportFiles from '../../src/ui/case/ReportFiles.vue'
import { i18n } from '../../src/ui/i18n.ts'

const makeSighting = (place: SightingOfCase['place']): SightingOfCase => ({
  id: 's', case_id: 'c', seen_by: 'p', observed_at: '2026-11-23T02:00:00Z', received_at: '2026-11-23T02:00:00Z',
  place, words: '', photos: [], recordings: [],
})

test.each([
  [{ standing: 'at_place', distance_m: 12, accuracy_m: 8, basis: 'point' }, '在现场发现：距案件 12 米，精度 ±8 米'],
  [{ standing: 'at_place', distance_m: 0, accuracy_m: 8, basis: 'cell' }, '在现场发现：在案件所在网格内，精度 ±8 米'],
  [{ standing: 'away', distance_m: 2000, accuracy_m: 8, basis: 'point' }, '不在现场发出：距案件 2.0 公里，精度 ±8 米'],
  [{ standing: 'uncertain', distance_m: 150, accuracy_m: null, basis: 'point' }, '不能确定在现场：距案件 150 米，精度 ±不详 米'],
  [{ standing: 'not_measured', distance_m: null, accuracy_m: null, basis: null }, '没有测量与案件的距离'],
] as const)('what was seen again says from how far: %o', (place, said) => {
  const detail = {
    report: { photos: [], recordings: [] }, beside: { sightings: [makeSighting(place)], names: { p: '张三' } },
  } as unknown as CaseDetail
  const host = document.createElement('div')
  const app = createApp({ render: () => h(ReportFiles, { detail }) })
  app.use(i18n).mount(host)
  expect(host.querySelector('[data-testid="seen-from"]')?.textContent).toBe(said)
  app.unmount()
})
