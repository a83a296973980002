import { Keyboard, LogOut, UserRound } from 'lucide-react'
import type { ReactElement } from 'react'
import { useLocation } from 'wouter'
import { confirm } from '../parts/confirm.tsx'
import { Menu, MenuChoice, MenuItem, MenuLink, MenuSeparator } from '../parts/menu.tsx'
import { signOut } from '../session/session.ts'
import { useMe } from '../session/use-me.ts'
import { chooseLanguage, currentLanguage, LANGUAGE_OPTIONS } from '../words/language.ts'
import { useWords } from '../words/use-words.ts'
import { shortcuts } from './shortcuts.ts'
import { chooseTheme, THEMES, useTheme } from './theme.ts'

/** What is in the menu of the account; loaded when it is opened first, and open then. */
export default function AccountMenuItems({ trigger }: { trigger: ReactElement }) {
  const t = useWords()
  const [, go] = useLocation()
  const theme = useTheme()
  const { data: me } = useMe()
  const leave = async () => {
    const question = { title: t('account.guest.leave'), text: t('account.guest.leave.text'), action: t('auth.signOut') }
    if (me?.guest && !(await confirm({ ...question, danger: true }))) return
    void signOut()
    go(me?.guest ? '/' : '/sign-in')
  }
  return (
    <Menu side="top" align="start" trigger={trigger} defaultOpen>
      <MenuLink href="/profile" icon={<UserRound aria-hidden="true" className="size-4" />}>
        {t('nav.profile')}
      </MenuLink>
      <MenuItem
        icon={<Keyboard aria-hidden="true" className="size-4" />}
        onSelect={() =>
          shortcuts
            .get()
            .find(({ keys }) => keys === '?')
            ?.run()
        }
      >
        {t('shortcut.title')}
      </MenuItem>
      <MenuSeparator />
      <MenuChoice
        label={t('look.language')}
        value={currentLanguage()}
        options={LANGUAGE_OPTIONS}
        onChange={(language) => void chooseLanguage(language)}
      />
      <MenuChoice
        label={t('look.theme')}
        value={theme}
        options={THEMES.map((one) => [one, t(`look.theme.${one}`)] as const)}
        onChange={chooseTheme}
      />
      <MenuSeparator />
      <MenuItem icon={<LogOut aria-hidden="true" className="flip-rtl size-4" />} onSelect={() => void leave()}>
        {t('auth.signOut')}
      </MenuItem>
    </Menu>
  )
}
