// Classes of the demo catalogue as a phone gets them, and drafts.

import type { Category } from '../../../src/api/types.ts'
import { newDraft } from '../../../src/core/report/draft.ts'
import type { Draft } from '../../../src/core/report/draft.ts'
import { lngLat } from '../../../src/core/geo.ts'

export const NOW_MS = Date.parse('2026-11-26T02:00:00Z')
export const PLACE = lngLat(117.6466, 39.0344)
const GB = 'GB/T 47678.5-2026'

export function makeCategory(code: string, name: string, pinyin: string, over: Partial<Category> = {}): Category {
  return {
    key: `${GB}:matter:${code}`,
    kind: 'matter',
    code,
    name,
    pinyin,
    name_en: '',
    major_code: code.slice(0, 2),
    major_name: '',
    major_name_en: '',
    minor: false,
    evidence_required: true,
    emergency: false,
    words: [],
    phrases: [],
    ...over,
  }
}

export const CATEGORIES = [
  makeCategory('06010', '暴露垃圾', 'bao lu la ji', {
    name_en: 'Exposed refuse',
    words: [{ text: '垃圾', pinyin: 'la ji' }, { text: '垃圾没人收', pinyin: 'la ji mei ren shou' }],
  }),
  makeCategory('06011', '积存垃圾渣土', 'ji cun la ji zha tu', { name_en: 'Accumulated refuse or rubble', words: [{ text: '装修垃圾', pinyin: 'zhuang xiu la ji' }] }),
  makeCategory('06017', '绿地脏乱', 'lv di zang luan', { name_en: 'Littered green space' }),
  makeCategory('06041', '垃圾未分类', 'la ji wei fen lei', { name_en: 'Unsorted refuse', minor: true }),
  makeCategory('09006', '占道经营', 'zhan dao jing ying', { name_en: 'Trading in the road', words: [{ text: '摆摊', pinyin: 'bai tan' }], minor: true }),
  makeCategory('09009', '机动车乱停放', 'ji dong che luan ting fang', { name_en: 'Badly parked vehicle', words: [{ text: '违停', pinyin: 'wei ting' }] }),
  makeCategory('01001', '供水井盖异常', 'gong shui jing gai yi chang', { name_en: 'Water supply manhole cover: abnormal condition', words: [{ text: '井盖', pinyin: 'jing gai' }] }),
] as const

export const byCode = (code: string): Category => {
  const found = CATEGORIES.find((one) => one.code === code)
  if (!found) throw new Error(code)
  return found
}

export const makeDraft = (over: Partial<Draft> = {}): Draft => ({
  ...newDraft('019ab000-0000-7000-8000-00000000d001', 'worker', NOW_MS),
  ...over,
})
