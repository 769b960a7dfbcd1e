"""The inside of the demonstration car, seen from between the front seats: what stays, and what is seen through its glass."""

from photo_canvas import Colour, Picture, Point, disc, rounded

SOFT, SEAM = ((58, 60, 66), (38, 40, 45), (24, 25, 29)), (150, 154, 162)
SCREEN, LIGHT, ALLOY = ((16, 30, 54), (10, 18, 34)), (126, 196, 255), ((206, 210, 216), (140, 145, 152))


class Cockpit:
    """Dashboard, wheel, screen and mirror, drawn round the glass."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture

    def draw(self) -> None:
        """Draw everything that is not glass, which is left as it was."""
        self.frame()
        self.dashboard()
        self.screen(548, 316)
        for x in (78, 704, 882):
            self.vent(x, 372)
        self.console()
        self.dials()
        self.wheel(250, 470, 168)
        self.rear_mirror()

    def frame(self) -> None:
        """Draw headlining, pillars and doors."""
        lining: tuple[Colour, ...] = ((196, 192, 184), (176, 172, 164))
        self.picture.fill(
            [(0, 0), (960, 0), (960, 128), (876, 112), (810, 92), (150, 92), (84, 112), (0, 128)], *lining
        )
        for edge, way in ((0, 1), (960, -1)):
            pillar = [(84, 110), (152, 90), (28, 312), (-10, 330)]
            self.picture.fill([(edge + way * x, y) for x, y in pillar], (150, 147, 140), (74, 74, 76))
            visor = [(190, 20), (430, 20), (440, 84), (170, 84)]
            self.picture.fill(
                rounded([(edge + way * x, y) for x, y in visor]), (208, 204, 196), (184, 180, 172)
            )
            door = [(-4, 318), (40, 300), (60, 640), (-4, 640)]
            self.picture.fill([(edge + way * x, y) for x, y in door], *SOFT)
        self.picture.line([(150, 93), (810, 93)], (60, 60, 62), 3)

    def dashboard(self) -> None:
        """Draw the dashboard with its seam and a strip of alloy."""
        top: list[Point] = [(0, 318), (120, 288), (480, 276), (840, 288), (960, 318)]
        self.picture.fill([*top, (960, 640), (0, 640)], *SOFT)
        self.picture.fill([*top, (960, 344), (480, 316), (0, 344)], (74, 76, 82), (48, 50, 55))
        self.picture.line([(0, 346), (240, 324), (480, 318), (720, 324), (960, 346)], SEAM, 1.2)
        self.picture.fill([(0, 412), (960, 412), (960, 424), (0, 424)], *ALLOY)
        self.picture.fill(
            rounded([(640, 448), (930, 448), (915, 560), (650, 560)]), (50, 52, 57), (30, 31, 35)
        )
        self.picture.line([(655, 470), (915, 470)], (12, 12, 14), 1.5)

    def screen(self, x: float, y: float) -> None:
        """Draw the middle screen with a map on it."""
        self.picture.fill(
            rounded([(x - 92, y - 4), (x + 92, y - 4), (x + 92, y + 118), (x - 92, y + 118)]), (12, 12, 14)
        )
        self.picture.fill([(x - 80, y + 6), (x + 80, y + 6), (x + 80, y + 106), (x - 80, y + 106)], *SCREEN)
        for path in (
            [(x - 70, y + 96), (x - 30, y + 70), (x - 10, y + 30), (x + 60, y + 12)],
            [(x - 78, y + 40), (x - 20, y + 50), (x + 76, y + 62)],
        ):
            self.picture.line(path, (58, 92, 140), 5)
        self.picture.line([(x - 70, y + 96), (x - 30, y + 70), (x - 18, y + 48)], LIGHT, 3)
        self.picture.fill(disc(x - 18, y + 48, 5), (255, 255, 255))
        for i in range(4):
            self.picture.fill(disc(x + 66, y + 24 + 22 * i, 6), (40, 66, 104))

    def vent(self, x: float, y: float) -> None:
        """Draw an air vent."""
        self.picture.fill(
            rounded([(x - 44, y - 24), (x + 44, y - 24), (x + 40, y + 26), (x - 40, y + 26)]), *ALLOY
        )
        self.picture.fill(
            rounded([(x - 40, y - 20), (x + 40, y - 20), (x + 36, y + 22), (x - 36, y + 22)]), (14, 14, 16)
        )
        for i in range(4):
            self.picture.line([(x - 34, y - 12 + 9 * i), (x + 34, y - 12 + 9 * i)], (66, 68, 74), 2.4)

    def console(self) -> None:
        """Draw climate knobs, the gear lever and the tunnel."""
        self.picture.fill(
            rounded([(430, 436), (640, 436), (668, 660), (402, 660)]), (46, 48, 53), (26, 27, 31)
        )
        for x in (470, 535, 600):
            self.picture.fill(disc(x, 470, 22), *ALLOY)
            self.picture.fill(disc(x, 470, 17), (34, 36, 40), (18, 19, 22))
            self.picture.line([(x, 458), (x, 466)], LIGHT, 2)
        self.picture.fill(rounded([(500, 536), (570, 536), (584, 650), (486, 650)]), (20, 21, 24))
        self.picture.line([(535, 640), (535, 560)], (150, 154, 160), 7)
        self.picture.fill(
            rounded([(516, 520), (554, 520), (560, 572), (510, 572)]), (70, 72, 78), (22, 23, 26)
        )

    def dials(self) -> None:
        """Draw speed and revolutions behind the wheel."""
        self.picture.fill(rounded([(128, 316), (372, 316), (392, 404), (108, 404)]), (16, 16, 19))
        for x, hand in ((190, (-22, -14)), (310, (-8, -26))):
            self.picture.fill(disc(x, 366, 40), (70, 74, 82))
            self.picture.fill(disc(x, 366, 37), *SCREEN)
            self.picture.line([(x, 366), (x + hand[0], 366 + hand[1])], (255, 92, 60), 3)
            self.picture.fill(disc(x, 366, 5), (220, 224, 230))

    def wheel(self, x: float, y: float, radius: float) -> None:
        """Draw the steering wheel with its emblem."""
        ring = [(a, y + (b - y) * 0.98) for a, b in disc(x, y, radius)]
        inner = [(a, y + (b - y) * 0.98) for a, b in disc(x, y, radius - 15)]
        self.picture.line([*ring, ring[0], ring[1]], (22, 22, 25), 27)
        self.picture.line([*inner, inner[0], inner[1]], (66, 68, 74), 3)
        for spoke in (
            [(x - radius + 8, y - 14), (x - 50, y - 34), (x - 50, y + 30), (x - radius + 12, y + 18)],
            [(x + radius - 8, y - 14), (x + 50, y - 34), (x + 50, y + 30), (x + radius - 12, y + 18)],
            [(x - 24, y + 40), (x + 24, y + 40), (x + 34, y + radius - 6), (x - 34, y + radius - 6)],
        ):
            self.picture.fill(spoke, (52, 54, 60), (28, 29, 33))
        self.picture.fill(
            rounded([(x - 74, y - 52), (x + 74, y - 52), (x + 62, y + 62), (x - 62, y + 62)]),
            (60, 62, 68),
            (26, 27, 31),
        )
        self.picture.fill(disc(x, y, 20), (250, 252, 254), (150, 155, 162))
        self.picture.fill(disc(x, y, 14), (40, 110, 190), (14, 50, 100))

    def rear_mirror(self) -> None:
        """Draw the mirror under the headlining."""
        self.picture.fill([(470, 88), (490, 88), (488, 116), (472, 116)], (40, 40, 44))
        self.picture.fill(rounded([(400, 108), (560, 108), (552, 156), (408, 156)]), (26, 26, 29))
        self.picture.fill(
            rounded([(406, 113), (554, 113), (547, 151), (413, 151)]), (150, 160, 168), (86, 92, 98)
        )
