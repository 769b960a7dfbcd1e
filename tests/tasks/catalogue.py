"""Every task, theme by theme."""

import market
import mishaps
import one_call
import one_car
import one_week
import results

THEMES = (one_call.THEME, one_car.THEME, results.THEME, one_week.THEME, market.THEME, mishaps.THEME)
TASKS = [task for theme in THEMES for task in theme.tasks]
