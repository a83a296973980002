import { chooseTheme, THEMES, useTheme } from '../../app/theme.ts'
import { SelectField } from '../../parts/field.tsx'
import { chooseLanguage, currentLanguage, LANGUAGE_OPTIONS } from '../../words/language.ts'
import { useWords } from '../../words/use-words.ts'

/** Of this browser alone. */
export function LookForm() {
  const t = useWords()
  const theme = useTheme()
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <SelectField
        label={t('look.language')}
        value={currentLanguage()}
        options={LANGUAGE_OPTIONS}
        onChange={({ currentTarget: { value } }) => {
          const language = LANGUAGE_OPTIONS.find(([one]) => one === value)?.[0]
          if (language) void chooseLanguage(language)
        }}
      />
      <SelectField
        label={t('look.theme')}
        value={theme}
        options={THEMES.map((one) => [one, t(`look.theme.${one}`)] as const)}
        onChange={({ currentTarget: { value } }) => chooseTheme(THEMES.find((one) => one === value) ?? 'system')}
      />
    </div>
  )
}
