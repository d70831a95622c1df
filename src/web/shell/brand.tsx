import { Group, Text } from '@mantine/core';
import icon from '../icon.svg';
import { strings } from './strings.ts';

export function Brand() {
  return (
    <Group gap={10} wrap="nowrap">
      <img src={icon} width={26} height={26} alt="" />
      <Text fw={650} fz="md">
        {strings.brand.name}
      </Text>
    </Group>
  );
}
