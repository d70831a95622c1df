import { ActionIcon, Box, Popover, TextInput } from '@mantine/core';
import { DatePicker } from '@mantine/dates';
import { type FocusEvent, type KeyboardEvent, type MouseEvent, useRef, useState } from 'react';
import { formatDate, formatLongDate } from './format.ts';
import { IconCalendar } from './icons.ts';
import { strings } from './strings.ts';
import { startOfDay, type TypedDate } from './typed-date.ts';

interface DateFieldProps {
  readonly label: string;
  /** Explains what the date is for; shown after the date in words. */
  readonly description: string;
  readonly text: string;
  /** The result of parsing `text`. */
  readonly parsed: TypedDate;
  readonly onChange: (text: string) => void;
  readonly minDate: Date;
  readonly maxDate?: Date;
  readonly error?: string | undefined;
  readonly 'data-path': string;
}

/** Keeps the focus in the field while the user clicks. */
const keepFocus = (event: MouseEvent): void => event.preventDefault();

interface CalendarButtonProps {
  readonly isCalendarOpen: boolean;
  readonly onClick: () => void;
}

function CalendarButton({ isCalendarOpen, onClick }: CalendarButtonProps) {
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      c="inherit"
      aria-label={strings.dateField.openCalendar}
      aria-expanded={isCalendarOpen}
      onMouseDown={keepFocus}
      onClick={(event) => {
        // Safari does not focus a clicked button, so the field would lose the focus and close the calendar.
        event.currentTarget.focus();
        onClick();
      }}
    >
      <IconCalendar size={16} />
    </ActionIcon>
  );
}

interface CalendarProps extends Pick<DateFieldProps, 'minDate' | 'maxDate'> {
  readonly date: string | null;
  /** Called with the chosen date in the format of the field. */
  readonly onChoose: (text: string) => void;
}

function Calendar({ date, minDate, maxDate, onChoose }: CalendarProps) {
  return (
    <Popover.Dropdown role="group" aria-label={strings.dateField.calendar} onMouseDown={keepFocus}>
      <DatePicker
        value={date}
        {...(date !== null && { defaultDate: date })}
        onChange={(chosen) => {
          if (chosen !== null) onChoose(formatDate(startOfDay(chosen)));
        }}
        minDate={minDate}
        {...(maxDate !== undefined && { maxDate })}
        previousLabel={strings.dateField.previousMonth}
        nextLabel={strings.dateField.nextMonth}
        weekendDays={[]}
      />
    </Popover.Dropdown>
  );
}

/**
 * A date, typed or chosen from a calendar. While the user types, the date is also shown in words. Text that is not a
 * date stays in the field; its error is shown when the field loses the focus.
 */
export function DateField(props: DateFieldProps) {
  const { label, description, text, parsed, onChange, minDate, maxDate, error, 'data-path': dataPath } = props;
  const [isOpen, setIsOpen] = useState(false);
  const [hasLostFocus, setHasLostFocus] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const date = 'date' in parsed ? parsed.date : null;
  const fullDescription =
    date === null ? description : strings.dateField.withDateInWords(formatLongDate(startOfDay(date)), description);
  const parseError = 'error' in parsed && hasLostFocus && text.trim() !== '' ? parsed.error : undefined;

  function close(): void {
    setIsOpen(false);
    input.current?.focus();
  }

  function handleKeyDown(event: KeyboardEvent): void {
    if (event.key === 'Escape' && isOpen) close();
  }

  function handleBlur(event: FocusEvent): void {
    if (event.currentTarget.contains(event.relatedTarget)) return;
    setIsOpen(false);
    setHasLostFocus(true);
  }

  return (
    // While the calendar is open, the attribute keeps Escape from closing the dialog around it.
    <Box onKeyDown={handleKeyDown} onBlur={handleBlur} {...(isOpen && { 'data-mantine-stop-propagation': true })}>
      <Popover
        opened={isOpen}
        position="top-end"
        withinPortal={false}
        withRoles={false}
        closeOnEscape={false}
        closeOnClickOutside={false}
      >
        <Popover.Target>
          {/* The calendar opens above or below the whole field, so that it does not cover the date in words. */}
          <div>
            <TextInput
              ref={input}
              label={label}
              description={fullDescription}
              descriptionProps={{ role: 'status' }}
              inputWrapperOrder={['label', 'input', 'error', 'description']}
              placeholder={strings.dateField.placeholder}
              autoComplete="off"
              value={text}
              onChange={(event) => {
                setHasLostFocus(false);
                onChange(event.currentTarget.value);
              }}
              error={error ?? parseError}
              data-path={dataPath}
              rightSectionPointerEvents="all"
              rightSection={<CalendarButton isCalendarOpen={isOpen} onClick={() => setIsOpen(!isOpen)} />}
            />
          </div>
        </Popover.Target>
        <Calendar
          date={date}
          minDate={minDate}
          {...(maxDate !== undefined && { maxDate })}
          onChoose={(chosen) => {
            onChange(chosen);
            close();
          }}
        />
      </Popover>
    </Box>
  );
}
