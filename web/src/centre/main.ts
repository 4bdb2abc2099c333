// The command centre, served at /.

import { createApp } from 'vue'
import '../ui/tokens.css'
import '../ui/base.css'
import { i18n, startLocale } from '../ui/i18n.ts'
import { startSession } from '../ui/session.ts'
import CentreApp from './CentreApp.vue'

void startSession('centre')
void startLocale().finally(() => createApp(CentreApp).use(i18n).mount('#app'))
