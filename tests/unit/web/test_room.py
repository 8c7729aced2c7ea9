"""Memory is shared out: in all, and of one client."""

import asyncio

from comity.web.bodies import Room


def test_what_turns_out_small_makes_room_and_what_is_large_keeps_others_of_the_client_waiting() -> None:
    async def scene() -> None:
        room = Room(100, of_one_max=50)
        entered: list[str] = []

        async def reader(client: str, size: int, until: asyncio.Event) -> None:
            async with room.of(client, 20) as held:
                await held.becomes(size)
                entered.append(client)
                await until.wait()

        gone = asyncio.Event()
        large = [asyncio.create_task(reader("a", 30, gone)) for _ in range(2)]
        await asyncio.sleep(0.01)
        waiting = asyncio.create_task(reader("a", 1, gone))
        await asyncio.sleep(0.01)
        assert entered == ["a", "a"]
        other = asyncio.create_task(reader("b", 1, gone))
        await asyncio.sleep(0.01)
        assert entered == ["a", "a", "b"]
        gone.set()
        await asyncio.gather(*large, waiting, other)
        assert entered == ["a", "a", "b", "a"]
        async with room.of("a", 50), room.of("b", 50):
            pass

    asyncio.run(scene())


def test_who_leaves_while_waiting_holds_nothing() -> None:
    async def scene() -> None:
        room = Room(10, of_one_max=10)
        async with room.of("a", 10):
            waiting = asyncio.create_task(room.of("b", 10).__aenter__())
            await asyncio.sleep(0.01)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        async with room.of("b", 10):
            pass

    asyncio.run(scene())
