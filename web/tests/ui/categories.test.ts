// @vitest-environment happy-dom
import { afterEach, expect, test, vi } from 'vitest'
import { nextTick, watchEffect } from 'vue'
import { categoryName } from '../../src/ui/categories.ts'

afterEach(() => vi.unstubAllGlobals())

test('who reads English sees the catalogue’s English names, asked for once; who reads Chinese asks for nothing', async () => {
  const asked: string[] = []
  vi.stubGlobal('fetch', async (url: string) => {
    asked.push(url)
    return new Response(JSON.stringify({ items: [{ name: '暴露垃圾', name_en: 'Exposed refuse' }] }))
  })
  expect(categoryName('暴露垃圾', 'zh-CN')).toBe('暴露垃圾')
  expect(asked).toEqual([])
  const shown: string[] = []
  watchEffect(() => shown.push(categoryName('暴露垃圾', 'en')))
  for (let turn = 0; turn < 8; turn += 1) await new Promise((resolve) => setTimeout(resolve))
  await nextTick()
  expect(shown).toEqual(['暴露垃圾', 'Exposed refuse'])
  expect(categoryName('新类别', 'en')).toBe('新类别')
  expect(asked).toEqual(['/api/v1/categories'])
})
