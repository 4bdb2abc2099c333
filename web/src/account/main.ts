// The account page, served at /account: setting up from a one-time link, devices, password, recovery codes.

import { createApp } from 'vue'
import '../ui/tokens.css'
import '../ui/base.css'
import '../ui/signin/forms.css'
import { i18n, startLocale } from '../ui/i18n.ts'
import { startSession } from '../ui/session.ts'
import AccountApp from './AccountApp.vue'
import { link } from './link.ts'

// Whoever opens a link is not signed in yet, and whoever is on this browser is not asked about.
if (!link.value) void startSession('account')
void startLocale().finally(() => createApp(AccountApp).use(i18n).mount('#app'))
